-- Tables of a trading company that supplies shops in twenty countries: what it
-- sells (trading), where it keeps it (warehouse), who owes it what (finance),
-- and what it reports (reporting). Amounts are in euro unless a column says
-- otherwise; periods are the years 2024 and 2025.

create schema trading;
create schema warehouse;
create schema finance;
create schema reporting;

comment on schema trading is 'Customers, products and orders. 客户、产品与订单。';
comment on schema warehouse is 'Warehouses, stock and purchasing. 仓库、库存与采购。';
comment on schema finance is 'Invoices, payments and exchange rates. 发票、付款与汇率。';
comment on schema reporting is 'Figures derived every night. 每晚汇总的报表数据。';

create table finance.currencies (
    currency_code char(3) primary key,
    name text not null,
    name_zh text not null,
    decimals smallint not null default 2
);

create table finance.exchange_rates (
    currency_code char(3) not null references finance.currencies,
    rate_date date not null,
    rate numeric(12, 6) not null check (rate > 0),
    primary key (currency_code, rate_date)
);

create table warehouse.warehouses (
    warehouse_id int primary key,
    name text not null unique,
    city text not null,
    capacity_pallets int not null,
    opened_on date not null
);

create table trading.countries (
    country_code char(2) primary key,
    name text not null unique,
    name_zh text not null,
    region text not null,
    currency_code char(3) not null references finance.currencies,
    vat_rate numeric(4, 3) not null,
    warehouse_id int not null references warehouse.warehouses
);

create table trading.employees (
    employee_id int primary key,
    full_name text not null,
    job_title text not null,
    department text not null,
    manager_id int references trading.employees,
    hired_on date not null,
    salary numeric(10, 2) not null
);

create table trading.customers (
    customer_id int primary key,
    company_name text not null,
    contact_name text not null,
    email text not null unique,
    phone text not null,
    city text not null,
    country_code char(2) not null references trading.countries,
    segment text not null check (segment in ('retail', 'wholesale', 'online', 'hospitality')),
    account_manager_id int references trading.employees,
    credit_limit numeric(10, 2) not null,
    payment_terms_days int not null,
    registered_on date not null,
    is_active boolean not null default true
);

create table trading.categories (
    category_id int primary key,
    parent_id int references trading.categories,
    name text not null unique,
    name_zh text not null
);

create table trading.suppliers (
    supplier_id int primary key,
    company_name text not null,
    country_code char(2) not null references trading.countries,
    email text not null,
    lead_time_days int not null,
    rating numeric(2, 1) not null check (rating between 1 and 5)
);

create table trading.products (
    product_id int primary key,
    sku text not null unique,
    name text not null,
    category_id int not null references trading.categories,
    supplier_id int not null references trading.suppliers,
    unit_cost numeric(10, 2) not null,
    list_price numeric(10, 2) not null,
    weight_kg numeric(8, 3) not null,
    launched_on date not null,
    discontinued boolean not null default false
);

create table trading.orders (
    order_id int primary key,
    order_number text not null unique,
    customer_id int not null references trading.customers,
    employee_id int not null references trading.employees,
    order_date date not null,
    required_date date not null,
    status text not null
        check (status in ('pending', 'processing', 'shipped', 'delivered', 'cancelled')),
    discount numeric(4, 3) not null default 0 check (discount between 0 and 0.5),
    shipping_fee numeric(8, 2) not null default 0,
    sales_channel text not null,
    unique (order_id, order_date),
    check (required_date >= order_date)
);

create table trading.order_items (
    order_id int not null,
    order_date date not null,
    line_number smallint not null,
    product_id int not null references trading.products,
    quantity int not null check (quantity > 0),
    unit_price numeric(10, 2) not null,
    primary key (order_id, order_date, line_number),
    foreign key (order_id, order_date) references trading.orders (order_id, order_date)
) partition by range (order_date);

-- One partition a month.
select format(
    'create table trading.order_items_%s partition of trading.order_items
         for values from (%L) to (%L)',
    to_char(month, 'YYYY_MM'), month::date, (month + interval '1 month')::date
)
from generate_series(timestamp '2024-01-01', timestamp '2025-12-01', interval '1 month') as month
\gexec

create table trading.carriers (
    carrier_id int primary key,
    name text not null unique,
    transport_mode text not null check (transport_mode in ('road', 'air', 'sea'))
);

create table trading.shipments (
    shipment_id int primary key,
    order_id int not null unique references trading.orders,
    warehouse_id int not null references warehouse.warehouses,
    carrier_id int not null references trading.carriers,
    tracking_number text not null unique,
    shipped_on date not null,
    delivered_on date,
    check (delivered_on >= shipped_on)
);

create table trading.returns (
    return_id int primary key,
    order_id int not null,
    order_date date not null,
    line_number smallint not null,
    quantity int not null check (quantity > 0),
    reason text not null,
    returned_on date not null,
    refund_amount numeric(10, 2) not null,
    foreign key (order_id, order_date, line_number)
        references trading.order_items (order_id, order_date, line_number)
);

create table warehouse.purchase_orders (
    purchase_order_id int primary key,
    supplier_id int not null references trading.suppliers,
    warehouse_id int not null references warehouse.warehouses,
    ordered_on date not null,
    received_on date,
    status text not null check (status in ('ordered', 'received')),
    check (received_on >= ordered_on)
);

create table warehouse.purchase_order_items (
    purchase_order_id int not null references warehouse.purchase_orders,
    product_id int not null references trading.products,
    quantity int not null check (quantity > 0),
    unit_cost numeric(10, 2) not null,
    primary key (purchase_order_id, product_id)
);

create table warehouse.stock_movements (
    movement_id int primary key,
    warehouse_id int not null references warehouse.warehouses,
    product_id int not null references trading.products,
    moved_on date not null,
    quantity int not null check (quantity <> 0),
    reason text not null check (reason in ('purchase', 'sale', 'return')),
    purchase_order_id int references warehouse.purchase_orders,
    shipment_id int references trading.shipments
);

create table warehouse.stock (
    warehouse_id int not null references warehouse.warehouses,
    product_id int not null references trading.products,
    quantity_on_hand int not null check (quantity_on_hand >= 0),
    reorder_level int not null,
    counted_on date not null,
    primary key (warehouse_id, product_id)
);

create table finance.invoices (
    invoice_id int primary key,
    invoice_number text not null unique,
    order_id int not null unique references trading.orders,
    customer_id int not null references trading.customers,
    invoice_date date not null,
    due_date date not null,
    net_amount numeric(12, 2) not null,
    tax_amount numeric(12, 2) not null,
    total_amount numeric(12, 2) not null,
    currency_code char(3) not null references finance.currencies,
    total_in_currency numeric(14, 2) not null,
    status text not null check (status in ('open', 'partly paid', 'paid', 'overdue')),
    check (total_amount = net_amount + tax_amount),
    check (due_date >= invoice_date)
);

create table finance.payments (
    payment_id int primary key,
    invoice_id int not null references finance.invoices,
    paid_on date not null,
    amount numeric(12, 2) not null check (amount > 0),
    method text not null check (method in ('bank transfer', 'credit card', 'direct debit', 'letter of credit'))
);

create table reporting.daily_sales (
    sales_date date not null,
    country_code char(2) not null references trading.countries,
    category_id int not null references trading.categories,
    orders int not null,
    units int not null,
    revenue numeric(14, 2) not null,
    margin numeric(14, 2) not null,
    primary key (sales_date, country_code, category_id)
);

create table reporting.customer_value (
    customer_id int primary key references trading.customers,
    first_order_date date,
    last_order_date date,
    orders int not null,
    lifetime_revenue numeric(14, 2) not null,
    tier text not null
);

create table reporting.load_log (
    load_id int generated always as identity primary key,
    target text not null,
    period_from date,
    period_to date,
    rows_written bigint not null,
    loaded_at timestamptz not null default now()
);

create index on trading.orders (customer_id);
create index on trading.orders (order_date);
create index on trading.order_items (product_id);
create index on finance.invoices (customer_id);
create index on finance.payments (invoice_id);
create index on warehouse.stock_movements (product_id, warehouse_id);
