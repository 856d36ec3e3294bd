-- The questions of the sample database, by the built-in grammar.
\set QUIET on
\pset footer off
\ir ../sample/evaluation.sql
\echo 'Sample database, no model:'
select run as number from llm_eval('evaluation_questions', '{"models": [""]}') limit 1 \gset
select source, questions_asked as questions, answered, valid, correct, accuracy, accuracy_of_answered,
    unanswerable, declined_of_unanswerable as rightly_declined, mean_ms, p95_ms
from llm.evaluation_summary(:number);
\echo 'How far the confidence can be believed:'
select * from llm_eval_reliability(:number);
\echo 'Answered wrongly:'
select question, confidence, coalesce(reason, 'another result') as reason
from llm.evaluation_answers
where run = :number and sql is not null and not correct;
