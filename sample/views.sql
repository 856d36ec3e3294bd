-- Views (some on others), a materialised view and functions.

create view trading.order_lines as
select
    i.order_id,
    i.line_number,
    o.order_number,
    o.customer_id,
    o.employee_id,
    o.order_date,
    o.status,
    c.country_code,
    p.product_id,
    p.name as product_name,
    p.category_id,
    i.quantity,
    i.unit_price,
    o.discount,
    round(i.quantity * i.unit_price * (1 - o.discount), 2) as net_amount,
    round(i.quantity * p.unit_cost, 2) as cost_amount
from trading.order_items i
join trading.orders o using (order_id, order_date)
join trading.customers c using (customer_id)
join trading.products p using (product_id);
comment on view trading.order_lines is
    'Order lines with their order and product, amounts after discount. 订单行明细（折后金额）。';

create view trading.order_totals as
select
    l.order_id,
    l.order_number,
    l.customer_id,
    l.order_date,
    l.status,
    count(*) as lines,
    sum(l.quantity) as units,
    sum(l.net_amount) as net_amount,
    sum(l.net_amount - l.cost_amount) as margin
from trading.order_lines l
group by l.order_id, l.order_number, l.customer_id, l.order_date, l.status;
comment on view trading.order_totals is 'Total of each order. 订单合计。';

create view trading.customer_overview as
select
    c.customer_id,
    c.company_name,
    n.name as country,
    c.segment,
    e.full_name as account_manager,
    count(t.order_id) as orders,
    coalesce(sum(t.net_amount), 0) as revenue,
    max(t.order_date) as last_order_date,
    case
        when count(t.order_id) = 0 then 'prospect'
        when max(t.order_date) < date '2025-07-01' then 'dormant'
        else 'active'
    end as activity
from trading.customers c
join trading.countries n using (country_code)
left join trading.employees e on e.employee_id = c.account_manager_id
left join trading.order_totals t on t.customer_id = c.customer_id and t.status <> 'cancelled'
group by c.customer_id, n.name, e.full_name;
comment on view trading.customer_overview is 'Customers with orders and revenue. 客户概览。';

create view trading.late_deliveries as
select
    o.order_id,
    o.order_number,
    o.customer_id,
    s.carrier_id,
    k.name as carrier,
    o.required_date,
    s.delivered_on,
    s.delivered_on - o.required_date as days_late
from trading.orders o
join trading.shipments s using (order_id)
join trading.carriers k using (carrier_id)
where s.delivered_on > o.required_date;
comment on view trading.late_deliveries is 'Orders delivered after the required date. 延迟交货的订单。';

create view warehouse.stock_value as
select
    w.name as warehouse,
    p.product_id,
    p.sku,
    p.name as product,
    s.quantity_on_hand,
    s.reorder_level,
    s.quantity_on_hand * p.unit_cost as value
from warehouse.stock s
join warehouse.warehouses w using (warehouse_id)
join trading.products p using (product_id);
comment on view warehouse.stock_value is 'Stock with its value at cost. 库存价值。';

create view warehouse.products_to_reorder as
select
    v.warehouse,
    v.sku,
    v.product,
    v.quantity_on_hand,
    v.reorder_level,
    u.company_name as supplier,
    u.lead_time_days
from warehouse.stock_value v
join trading.products p using (product_id)
join trading.suppliers u using (supplier_id)
where v.quantity_on_hand < v.reorder_level
  and not p.discontinued;
comment on view warehouse.products_to_reorder is 'Products below their reorder level. 需要补货的产品。';

create view finance.open_invoices as
select
    i.invoice_id,
    i.invoice_number,
    i.customer_id,
    i.due_date,
    i.total_amount,
    coalesce(paid.amount, 0) as paid_amount,
    i.total_amount - coalesce(paid.amount, 0) as open_amount
from finance.invoices i
left join lateral (
    select sum(p.amount) as amount
    from finance.payments p
    where p.invoice_id = i.invoice_id
) paid on true
where i.status <> 'paid';
comment on view finance.open_invoices is 'Invoices that are not fully paid. 未结清发票。';

create view finance.receivables as
select
    c.customer_id,
    c.company_name,
    count(*) as invoices,
    sum(o.open_amount) as open_amount,
    sum(o.open_amount) filter (where o.due_date < date '2025-12-31') as overdue_amount,
    sum(o.open_amount) > c.credit_limit as over_limit
from finance.open_invoices o
join trading.customers c using (customer_id)
group by c.customer_id;
comment on view finance.receivables is 'What each customer owes. 应收账款。';

create recursive view trading.category_paths (category_id, path, depth) as
select c.category_id, c.name, 1
from trading.categories c
where c.parent_id is null
union all
select c.category_id, p.path || ' / ' || c.name, p.depth + 1
from trading.categories c
join category_paths p on p.category_id = c.parent_id;
comment on view trading.category_paths is 'Categories with their full path. 类别路径。';

create materialized view reporting.monthly_revenue as
select
    date_trunc('month', l.order_date)::date as month,
    n.region,
    l.country_code,
    l.category_id,
    count(distinct l.order_id) as orders,
    sum(l.quantity) as units,
    sum(l.net_amount) as revenue,
    sum(l.net_amount - l.cost_amount) as margin
from trading.order_lines l
join trading.countries n using (country_code)
where l.status <> 'cancelled'
group by 1, n.region, l.country_code, l.category_id;
comment on materialized view reporting.monthly_revenue is
    'Revenue and margin by month, country and category. 月度销售额与毛利。';

create view reporting.region_growth as
with monthly as (
    select m.month, m.region, sum(m.revenue) as revenue
    from reporting.monthly_revenue m
    group by m.month, m.region
)
select
    month,
    region,
    revenue,
    lag(revenue, 12) over by_region as revenue_last_year,
    round(100 * revenue / lag(revenue, 12) over by_region - 100, 1) as growth_percent,
    rank() over (partition by month order by revenue desc) as place
from monthly
window by_region as (partition by region order by month);
comment on view reporting.region_growth is 'Revenue by region against the year before. 区域同比增长。';

create function finance.to_currency(amount numeric, currency char(3), on_date date)
returns numeric
language sql stable
begin atomic
    select round(amount * r.rate, 2)
    from finance.exchange_rates r
    where r.currency_code = currency
      and r.rate_date <= on_date
    order by r.rate_date desc
    limit 1;
end;
comment on function finance.to_currency is
    'Converts an amount in euro with the latest rate on or before the date. 按汇率换算金额。';

create function trading.best_sellers(in_year int, how_many int)
returns table (product text, units bigint, revenue numeric)
language sql stable
begin atomic
    select l.product_name, sum(l.quantity), sum(l.net_amount)
    from trading.order_lines l
    where extract(year from l.order_date) = in_year
      and l.status <> 'cancelled'
    group by l.product_id, l.product_name
    order by sum(l.net_amount) desc
    limit how_many;
end;
comment on function trading.best_sellers is 'Products with the highest revenue of a year. 年度畅销产品。';

create function reporting.load_daily_sales(period_from date, period_to date)
returns bigint
language plpgsql
as $$
declare
    written bigint;
begin
    create temporary table sold on commit drop as
    select l.order_date, l.country_code, l.category_id, l.order_id, l.quantity,
           l.net_amount, l.net_amount - l.cost_amount as margin
    from trading.order_lines l
    where l.order_date between period_from and period_to
      and l.status <> 'cancelled';

    delete from reporting.daily_sales
    where sales_date between period_from and period_to;

    insert into reporting.daily_sales
        (sales_date, country_code, category_id, orders, units, revenue, margin)
    select order_date, country_code, category_id, count(distinct order_id), sum(quantity),
           sum(net_amount), sum(margin)
    from sold
    group by order_date, country_code, category_id;
    get diagnostics written = row_count;

    insert into reporting.load_log (target, period_from, period_to, rows_written)
    values ('reporting.daily_sales', period_from, period_to, written);
    drop table sold;
    return written;
end
$$;
comment on function reporting.load_daily_sales is
    'Loads the daily sales of a period again; returns the rows written. 重新加载每日销售汇总。';
