-- The nightly load, statement by statement.

insert into reporting.daily_sales
    (sales_date, country_code, category_id, orders, units, revenue, margin)
select
    l.order_date,
    l.country_code,
    l.category_id,
    count(distinct l.order_id),
    sum(l.quantity),
    sum(l.net_amount),
    sum(l.net_amount - l.cost_amount)
from trading.order_lines l
where l.status <> 'cancelled'
group by l.order_date, l.country_code, l.category_id
on conflict (sales_date, country_code, category_id) do update
set orders = excluded.orders,
    units = excluded.units,
    revenue = excluded.revenue,
    margin = excluded.margin;

merge into reporting.customer_value v
using (
    select
        t.customer_id,
        min(t.order_date) as first_order_date,
        max(t.order_date) as last_order_date,
        count(*) as orders,
        sum(t.net_amount) as revenue
    from trading.order_totals t
    where t.status <> 'cancelled'
    group by t.customer_id
) s on v.customer_id = s.customer_id
when matched then update set
    last_order_date = s.last_order_date,
    orders = s.orders,
    lifetime_revenue = s.revenue,
    tier = case when s.revenue >= 40000 then 'gold' when s.revenue >= 10000 then 'silver' else 'bronze' end
when not matched then insert values (
    s.customer_id,
    s.first_order_date,
    s.last_order_date,
    s.orders,
    s.revenue,
    case when s.revenue >= 40000 then 'gold' when s.revenue >= 10000 then 'silver' else 'bronze' end
);

update warehouse.stock s
set quantity_on_hand = m.quantity,
    counted_on = m.counted_on
from (
    select warehouse_id, product_id, sum(quantity) as quantity, max(moved_on) as counted_on
    from warehouse.stock_movements
    group by warehouse_id, product_id
) m
where m.warehouse_id = s.warehouse_id
  and m.product_id = s.product_id;

update finance.invoices i
set status = 'overdue'
from finance.open_invoices o
where o.invoice_id = i.invoice_id
  and o.open_amount > 0
  and o.due_date < date '2025-12-31';
