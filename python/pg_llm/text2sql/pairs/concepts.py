"""What a question speaks of: its words, and what each names in a schema.

An English word names relations and columns by the schema's index. A Chinese
text has no words: the Chinese names that comments give are looked for, longest
first, and what stands between them is cut into pairs of characters. So
questions in two languages can be compared by what they name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.text2sql.words import is_chinese

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pg_llm.text2sql.index import SchemaIndex
    from pg_llm.text2sql.pairs.wording import Wording

# Characters of grammar, of counting and of signs, which are compared by themselves.
_GRAMMAR = frozenset(
    "的是有在了着过哪些个什么谁请列出显示给每各多少数量几次位名家种笔和与及或所都被把从由"
    "按照对其中为里上下总平均最高低大小长短新旧早晚超过于不没未无且并一两同时则吧呢吗啊之"
    "前后年月日天周间内至达到比例占率合计额第"
)
_RUN = re.compile(r"[\u4e00-\u9fff]+")
# Begins the name of a column that is true or false.
_WHETHER = "是否"
_BEST = 0.05
_SURE = 0.6


@dataclass(frozen=True, slots=True)
class Concept:
    """A word of a question, and the names of relations and columns that it may mean."""

    word: str
    names: frozenset[str]


class Vocabulary:
    """The concepts of questions over one schema; `switches`: columns that are true or false."""

    def __init__(self, schema: SchemaIndex) -> None:
        self._schema = schema
        self._names: dict[str, frozenset[str]] = {}
        self.switches = frozenset(
            column.name.lower()
            for relation in schema.relations
            for column in relation.columns
            if column.category == "B"
        )
        labels: defaultdict[str, set[str]] = defaultdict(set)
        for label, match in schema.labels:
            name = (match.column or match.relation).name.lower()
            labels[label.removeprefix(_WHETHER) or label].add(name)
        self._labels = {label: frozenset(names) for label, names in labels.items()}
        self._longest = max(map(len, labels), default=0)

    def concepts(self, question: Wording) -> list[Concept]:
        """Return what a question speaks of, in order."""
        if is_chinese(question.text):
            return self._chinese(question)
        return [Concept(word, self.names(word)) for word in question.words]

    def names(self, word: str) -> frozenset[str]:
        """Return the names of columns and relations that an English word names best."""
        found = self._names.get(word)
        if found is None:
            matches = self._schema.find([word])
            best = matches[0].score if matches else 0.0
            found = self._names[word] = frozenset(
                (match.column or match.relation).name.lower()
                for match in matches[:6]
                if match.score >= max(_SURE, best - _BEST)
            )
        return found

    def _chinese(self, question: Wording) -> list[Concept]:
        found = {
            word: Concept(word, self.names(word)) for word in question.words if word.isascii()
        }
        for run in _RUN.findall(question.text):
            rest = ""
            start = 0
            while start < len(run):
                label = self._label(run, start)
                if label:
                    rest += " "
                    found[label] = Concept(label, self._labels[label])
                    start += len(label)
                else:
                    rest += " " if run[start] in _GRAMMAR else run[start]
                    start += 1
            for part in rest.split():
                for word in _pairs(part):
                    found[word] = Concept(word, frozenset())
        return list(found.values())

    def _label(self, run: str, start: int) -> str:
        """Return the longest Chinese name of the schema that begins here."""
        for length in range(min(self._longest, len(run) - start), 0, -1):
            label = run[start : start + length]
            if label in self._labels:
                return label
        return ""


def _pairs(run: str) -> Sequence[str]:
    return [run[i : i + 2] for i in range(len(run) - 1)] or [run]
