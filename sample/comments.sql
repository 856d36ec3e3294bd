-- What the tables and columns mean, in English and Chinese.

comment on table finance.currencies is 'Currencies that invoices are issued in. 发票币种。';
comment on column finance.currencies.currency_code is 'ISO 4217 code. 货币代码。';
comment on column finance.currencies.name is 'Currency name. 货币名称。';
comment on column finance.currencies.name_zh is 'Currency name in Chinese. 货币中文名称。';
comment on column finance.currencies.decimals is 'Digits after the decimal point. 小数位数。';

comment on table finance.exchange_rates is 'Daily exchange rates against the euro. 对欧元的每日汇率。';
comment on column finance.exchange_rates.currency_code is 'Currency. 货币代码。';
comment on column finance.exchange_rates.rate_date is 'Day of the rate. 汇率日期。';
comment on column finance.exchange_rates.rate is 'Units of the currency for one euro. 一欧元兑换的货币数量（汇率）。';

comment on table warehouse.warehouses is 'Warehouses of the company. 仓库。';
comment on column warehouse.warehouses.warehouse_id is 'Warehouse number. 仓库编号。';
comment on column warehouse.warehouses.name is 'Warehouse name. 仓库名称。';
comment on column warehouse.warehouses.city is 'City of the warehouse. 仓库所在城市。';
comment on column warehouse.warehouses.capacity_pallets is 'Capacity in pallets. 容量（托盘数）。';
comment on column warehouse.warehouses.opened_on is 'Opening date. 启用日期。';

comment on table trading.countries is 'Countries that the company trades with. 国家。';
comment on column trading.countries.country_code is 'ISO 3166 code. 国家代码。';
comment on column trading.countries.name is 'Country name in English. 国家英文名称。';
comment on column trading.countries.name_zh is 'Country name in Chinese. 国家中文名称。';
comment on column trading.countries.region is 'Sales region. 销售区域。';
comment on column trading.countries.currency_code is 'Currency of its invoices. 开票币种。';
comment on column trading.countries.vat_rate is 'Value added tax rate, a share of 1. 增值税率。';
comment on column trading.countries.warehouse_id is 'Warehouse that serves the country. 供货仓库。';

comment on table trading.employees is 'Employees. 员工。';
comment on column trading.employees.employee_id is 'Employee number. 员工编号。';
comment on column trading.employees.full_name is 'Full name. 姓名。';
comment on column trading.employees.job_title is 'Job title. 职位。';
comment on column trading.employees.department is 'Department. 部门。';
comment on column trading.employees.manager_id is 'Direct manager. 直属上级。';
comment on column trading.employees.hired_on is 'Date of joining. 入职日期。';
comment on column trading.employees.salary is 'Yearly salary in euro. 年薪（欧元）。';

comment on table trading.customers is 'Customers: shops and companies that buy. 客户。';
comment on column trading.customers.customer_id is 'Customer number. 客户编号。';
comment on column trading.customers.company_name is 'Company name of the customer. 客户公司名称。';
comment on column trading.customers.contact_name is 'Contact person. 联系人。';
comment on column trading.customers.email is 'E-mail address (personal data). 电子邮箱（个人信息）。';
comment on column trading.customers.phone is 'Telephone number (personal data). 电话（个人信息）。';
comment on column trading.customers.city is 'City of the customer. 客户所在城市。';
comment on column trading.customers.country_code is 'Country of the customer. 客户所在国家。';
comment on column trading.customers.segment is 'Market segment: retail, wholesale, online or hospitality. 客户类型：零售、批发、线上、酒店餐饮。';
comment on column trading.customers.account_manager_id is 'Employee who looks after the customer. 客户经理。';
comment on column trading.customers.credit_limit is 'Credit limit in euro. 信用额度（欧元）。';
comment on column trading.customers.payment_terms_days is 'Days until an invoice is due. 付款期限（天）。';
comment on column trading.customers.registered_on is 'Date of registration. 注册日期。';
comment on column trading.customers.is_active is 'Whether the customer may order. 是否有效客户。';

comment on table trading.categories is 'Product categories, a tree of two levels. 产品类别（两级）。';
comment on column trading.categories.category_id is 'Category number. 类别编号。';
comment on column trading.categories.parent_id is 'Category above it. 上级类别。';
comment on column trading.categories.name is 'Category name. 类别名称。';
comment on column trading.categories.name_zh is 'Category name in Chinese. 类别中文名称。';

comment on table trading.suppliers is 'Suppliers of the products. 供应商。';
comment on column trading.suppliers.supplier_id is 'Supplier number. 供应商编号。';
comment on column trading.suppliers.company_name is 'Company name of the supplier. 供应商公司名称。';
comment on column trading.suppliers.country_code is 'Country of the supplier. 供应商所在国家。';
comment on column trading.suppliers.email is 'E-mail address. 电子邮箱。';
comment on column trading.suppliers.lead_time_days is 'Days from order to delivery. 供货周期（天）。';
comment on column trading.suppliers.rating is 'Rating from 1 to 5. 评分（1 到 5）。';

comment on table trading.products is 'Products that the company sells. 产品。';
comment on column trading.products.product_id is 'Product number. 产品编号。';
comment on column trading.products.sku is 'Stock keeping unit. 货号。';
comment on column trading.products.name is 'Product name. 产品名称。';
comment on column trading.products.category_id is 'Category. 产品类别。';
comment on column trading.products.supplier_id is 'Main supplier. 主要供应商。';
comment on column trading.products.unit_cost is 'Purchase cost of a unit in euro. 单位成本（欧元）。';
comment on column trading.products.list_price is 'List price of a unit in euro. 标价（欧元）。';
comment on column trading.products.weight_kg is 'Weight in kilograms. 重量（千克）。';
comment on column trading.products.launched_on is 'On sale since. 上市日期。';
comment on column trading.products.discontinued is 'No longer sold. 是否停产。';

comment on table trading.orders is 'Orders placed by customers. 客户订单。';
comment on column trading.orders.order_id is 'Order number in the system. 订单编号。';
comment on column trading.orders.order_number is 'Order number on paper. 订单号。';
comment on column trading.orders.customer_id is 'Customer who ordered. 下单客户。';
comment on column trading.orders.employee_id is 'Sales person who took the order. 销售员。';
comment on column trading.orders.order_date is 'Date of the order. 下单日期。';
comment on column trading.orders.required_date is 'Date the customer wants it by. 要求交货日期。';
comment on column trading.orders.status is 'Status: pending, processing, shipped, delivered or cancelled. 订单状态：待处理、处理中、已发货、已送达、已取消。';
comment on column trading.orders.discount is 'Discount on the items, a share of 1. 折扣率。';
comment on column trading.orders.shipping_fee is 'Shipping fee in euro. 运费（欧元）。';
comment on column trading.orders.sales_channel is 'How the order came in. 销售渠道。';

comment on table trading.order_items is 'Lines of the orders, partitioned by month. 订单明细（按月分区）。';
comment on column trading.order_items.order_id is 'Order. 订单编号。';
comment on column trading.order_items.order_date is 'Date of the order. 下单日期。';
comment on column trading.order_items.line_number is 'Line of the order. 行号。';
comment on column trading.order_items.product_id is 'Product. 产品编号。';
comment on column trading.order_items.quantity is 'Units ordered. 数量。';
comment on column trading.order_items.unit_price is 'Price of a unit in euro, before discount. 单价（欧元，折扣前）。';

comment on table trading.carriers is 'Carriers that deliver the orders. 承运商。';
comment on column trading.carriers.carrier_id is 'Carrier number. 承运商编号。';
comment on column trading.carriers.name is 'Carrier name. 承运商名称。';
comment on column trading.carriers.transport_mode is 'Transport mode: road, air or sea. 运输方式：公路、空运、海运。';

comment on table trading.shipments is 'Shipments, one for each order sent. 发货记录。';
comment on column trading.shipments.shipment_id is 'Shipment number. 发货编号。';
comment on column trading.shipments.order_id is 'Order. 订单编号。';
comment on column trading.shipments.warehouse_id is 'Warehouse it leaves from. 发货仓库。';
comment on column trading.shipments.carrier_id is 'Carrier. 承运商。';
comment on column trading.shipments.tracking_number is 'Tracking number. 运单号。';
comment on column trading.shipments.shipped_on is 'Date of dispatch. 发货日期。';
comment on column trading.shipments.delivered_on is 'Date of delivery, empty while under way. 送达日期。';

comment on table trading.returns is 'Goods that customers sent back. 退货。';
comment on column trading.returns.return_id is 'Return number. 退货编号。';
comment on column trading.returns.order_id is 'Order. 订单编号。';
comment on column trading.returns.order_date is 'Date of the order. 下单日期。';
comment on column trading.returns.line_number is 'Line of the order. 行号。';
comment on column trading.returns.quantity is 'Units returned. 退货数量。';
comment on column trading.returns.reason is 'Why it was returned. 退货原因。';
comment on column trading.returns.returned_on is 'Date of the return. 退货日期。';
comment on column trading.returns.refund_amount is 'Refund in euro. 退款金额（欧元）。';

comment on table warehouse.purchase_orders is 'Orders to suppliers. 采购订单。';
comment on column warehouse.purchase_orders.purchase_order_id is 'Purchase order number. 采购订单编号。';
comment on column warehouse.purchase_orders.supplier_id is 'Supplier. 供应商。';
comment on column warehouse.purchase_orders.warehouse_id is 'Warehouse that receives it. 收货仓库。';
comment on column warehouse.purchase_orders.ordered_on is 'Date of the purchase order. 采购日期。';
comment on column warehouse.purchase_orders.received_on is 'Date of receipt. 收货日期。';
comment on column warehouse.purchase_orders.status is 'Status: ordered or received. 采购状态：已下单、已收货。';

comment on table warehouse.purchase_order_items is 'Lines of the purchase orders. 采购订单明细。';
comment on column warehouse.purchase_order_items.purchase_order_id is 'Purchase order. 采购订单编号。';
comment on column warehouse.purchase_order_items.product_id is 'Product. 产品编号。';
comment on column warehouse.purchase_order_items.quantity is 'Units purchased. 采购数量。';
comment on column warehouse.purchase_order_items.unit_cost is 'Cost of a unit in euro. 采购单价（欧元）。';

comment on table warehouse.stock_movements is 'Every unit that came in or went out. 库存变动。';
comment on column warehouse.stock_movements.movement_id is 'Movement number. 变动编号。';
comment on column warehouse.stock_movements.warehouse_id is 'Warehouse. 仓库编号。';
comment on column warehouse.stock_movements.product_id is 'Product. 产品编号。';
comment on column warehouse.stock_movements.moved_on is 'Date of the movement. 变动日期。';
comment on column warehouse.stock_movements.quantity is 'Units in (positive) or out (negative). 变动数量（正入负出）。';
comment on column warehouse.stock_movements.reason is 'Reason: purchase, sale or return. 变动原因：采购、销售、退货。';
comment on column warehouse.stock_movements.purchase_order_id is 'Purchase order that brought it in. 采购订单编号。';
comment on column warehouse.stock_movements.shipment_id is 'Shipment that took it out. 发货编号。';

comment on table warehouse.stock is 'Units on hand of each product in each warehouse. 库存。';
comment on column warehouse.stock.warehouse_id is 'Warehouse. 仓库编号。';
comment on column warehouse.stock.product_id is 'Product. 产品编号。';
comment on column warehouse.stock.quantity_on_hand is 'Units on hand. 现有库存数量。';
comment on column warehouse.stock.reorder_level is 'Order more below this. 再订货点。';
comment on column warehouse.stock.counted_on is 'Date of the last count. 最近盘点日期。';

comment on table finance.invoices is 'Invoices to customers, one for each order sent. 发票。';
comment on column finance.invoices.invoice_id is 'Invoice number in the system. 发票编号。';
comment on column finance.invoices.invoice_number is 'Invoice number on paper. 发票号。';
comment on column finance.invoices.order_id is 'Order. 订单编号。';
comment on column finance.invoices.customer_id is 'Customer who pays. 付款客户。';
comment on column finance.invoices.invoice_date is 'Date of the invoice. 开票日期。';
comment on column finance.invoices.due_date is 'Date it is due. 到期日期。';
comment on column finance.invoices.net_amount is 'Amount before tax in euro. 不含税金额（欧元）。';
comment on column finance.invoices.tax_amount is 'Tax in euro. 税额（欧元）。';
comment on column finance.invoices.total_amount is 'Amount with tax in euro. 发票总金额（欧元）。';
comment on column finance.invoices.currency_code is 'Currency of the paper invoice. 发票币种。';
comment on column finance.invoices.total_in_currency is 'Amount with tax in the invoice currency. 发票币种总金额。';
comment on column finance.invoices.status is 'Status: open, partly paid, paid or overdue. 发票状态：未付、部分付款、已付、逾期。';

comment on table finance.payments is 'Payments received. 付款记录。';
comment on column finance.payments.payment_id is 'Payment number. 付款编号。';
comment on column finance.payments.invoice_id is 'Invoice it pays. 发票编号。';
comment on column finance.payments.paid_on is 'Date of the payment. 付款日期。';
comment on column finance.payments.amount is 'Amount in euro. 付款金额（欧元）。';
comment on column finance.payments.method is 'Payment method. 付款方式。';

comment on table reporting.daily_sales is 'Sales by day, country and category. 每日销售汇总。';
comment on column reporting.daily_sales.sales_date is 'Day. 销售日期。';
comment on column reporting.daily_sales.country_code is 'Country of the customer. 国家代码。';
comment on column reporting.daily_sales.category_id is 'Category. 类别编号。';
comment on column reporting.daily_sales.orders is 'Number of orders. 订单数。';
comment on column reporting.daily_sales.units is 'Units sold. 销售数量。';
comment on column reporting.daily_sales.revenue is 'Revenue after discount in euro. 销售额（欧元）。';
comment on column reporting.daily_sales.margin is 'Revenue less purchase cost in euro. 毛利（欧元）。';

comment on table reporting.customer_value is 'What each customer has bought in all. 客户价值。';
comment on column reporting.customer_value.customer_id is 'Customer. 客户编号。';
comment on column reporting.customer_value.first_order_date is 'Date of the first order. 首次下单日期。';
comment on column reporting.customer_value.last_order_date is 'Date of the latest order. 最近下单日期。';
comment on column reporting.customer_value.orders is 'Number of orders. 订单数。';
comment on column reporting.customer_value.lifetime_revenue is 'Revenue of all orders in euro. 累计销售额（欧元）。';
comment on column reporting.customer_value.tier is 'Tier: gold, silver or bronze. 客户等级：金、银、铜。';

comment on table reporting.load_log is 'What the nightly load wrote. 夜间加载日志。';
comment on column reporting.load_log.load_id is 'Load number. 加载编号。';
comment on column reporting.load_log.target is 'Table that was loaded. 目标表。';
comment on column reporting.load_log.period_from is 'First day of the period. 起始日期。';
comment on column reporting.load_log.period_to is 'Last day of the period. 结束日期。';
comment on column reporting.load_log.rows_written is 'Rows written. 写入行数。';
comment on column reporting.load_log.loaded_at is 'Time of the load. 加载时间。';
