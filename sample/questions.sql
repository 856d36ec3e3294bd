-- Ten questions about the trading company, six in English and four in Chinese,
-- with SQL written by hand that returns what each must return.

create temporary table questions (
    number int primary key,
    question text not null,
    expected text not null
);
insert into questions values
(1, 'How many customers are there in each country?', $$
    select n.name, count(*)
    from trading.customers c join trading.countries n using (country_code)
    group by n.name
$$),
(2, 'What are the 5 products with the highest list price?', $$
    select name, list_price from trading.products order by list_price desc, product_id limit 5
$$),
(3, 'Which suppliers in Germany have a rating of at least 4?', $$
    select s.company_name
    from trading.suppliers s join trading.countries n using (country_code)
    where n.name = 'Germany' and s.rating >= 4
$$),
(4, 'What is the total payment amount by method in 2025?', $$
    select method, sum(amount) from finance.payments
    where extract(year from paid_on) = 2025 group by method
$$),
(5, 'Which employees earn a salary above the average salary?', $$
    select full_name from trading.employees
    where salary > (select avg(salary) from trading.employees)
$$),
(6, 'How many cancelled orders were there per month in 2025?', $$
    select make_date(2025, extract(month from order_date)::int, 1), count(*)
    from trading.orders
    where status = 'cancelled' and order_date between '2025-01-01' and '2025-12-31'
    group by 1
$$),
(7, '2025年销售额最高的5个国家是哪些？', $$
    select n.name, sum(d.revenue)
    from reporting.daily_sales d join trading.countries n using (country_code)
    where d.sales_date between '2025-01-01' and '2025-12-31'
    group by n.name order by 2 desc limit 5
$$),
(8, '每个部门的平均年薪是多少？', $$
    select department, avg(salary) from trading.employees group by department
$$),
(9, '哪些客户没有下过订单？', $$
    select company_name from trading.customers
    where customer_id not in (select customer_id from trading.orders)
$$),
(10, '按退货原因统计退款金额的总和', $$
    select reason, sum(refund_amount) from trading.returns group by reason
$$);
