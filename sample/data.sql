-- Two years of business, the same on every machine: each choice is a hash of
-- the row's number and of what is chosen, so nothing depends on plan or order.

-- A number in [0, 1) for row n; a different one for each purpose.
create function pg_temp.draw(n bigint, purpose text) returns double precision
language sql immutable
return (hashint8extended(n, hashtext(purpose)) & 1073741823) / 1073741824.0::double precision;

-- An element of a list for row n.
create function pg_temp.pick(n bigint, purpose text, list text[]) returns text
language sql immutable
return list[1 + floor(pg_temp.draw(n, purpose) * cardinality(list))::int];

insert into finance.currencies (currency_code, name, name_zh, decimals) values
    ('EUR', 'Euro', '欧元', 2), ('USD', 'US dollar', '美元', 2), ('GBP', 'Pound sterling', '英镑', 2),
    ('CNY', 'Chinese yuan', '人民币', 2), ('JPY', 'Japanese yen', '日元', 0),
    ('CHF', 'Swiss franc', '瑞士法郎', 2), ('SEK', 'Swedish krona', '瑞典克朗', 2),
    ('SGD', 'Singapore dollar', '新加坡元', 2);

-- A slow wave around the usual rate, and a little noise.
insert into finance.exchange_rates (currency_code, rate_date, rate)
select
    b.code,
    d::date,
    round((b.rate * (1 + 0.03 * sin(extract(doy from d) / 58.1 + ascii(b.code))
        + 0.004 * (pg_temp.draw(extract(epoch from d)::bigint, b.code) - 0.5)))::numeric, 6)
from (values ('USD', 1.08), ('GBP', 0.85), ('CNY', 7.75), ('JPY', 162.0), ('CHF', 0.95),
             ('SEK', 11.35), ('SGD', 1.45)) as b (code, rate)
cross join generate_series(timestamp '2024-01-01', timestamp '2025-12-31', interval '1 day') as d
union all
select 'EUR', d::date, 1
from generate_series(timestamp '2024-01-01', timestamp '2025-12-31', interval '1 day') as d;

insert into warehouse.warehouses (warehouse_id, name, city, capacity_pallets, opened_on) values
    (1, 'Hamburg Harbour', 'Hamburg', 14000, '2009-05-04'),
    (2, 'Chicago Midway', 'Chicago', 9000, '2014-09-15'),
    (3, 'Shanghai Waigaoqiao', 'Shanghai', 12000, '2012-03-19'),
    (4, 'Singapore Jurong', 'Singapore', 5000, '2017-11-06');

insert into trading.countries
    (country_code, name, name_zh, region, currency_code, vat_rate, warehouse_id) values
    ('DE', 'Germany', '德国', 'Europe', 'EUR', 0.19, 1), ('FR', 'France', '法国', 'Europe', 'EUR', 0.20, 1),
    ('IT', 'Italy', '意大利', 'Europe', 'EUR', 0.22, 1), ('ES', 'Spain', '西班牙', 'Europe', 'EUR', 0.21, 1),
    ('NL', 'Netherlands', '荷兰', 'Europe', 'EUR', 0.21, 1), ('AT', 'Austria', '奥地利', 'Europe', 'EUR', 0.20, 1),
    ('PL', 'Poland', '波兰', 'Europe', 'EUR', 0.23, 1), ('PT', 'Portugal', '葡萄牙', 'Europe', 'EUR', 0.23, 1),
    ('GB', 'United Kingdom', '英国', 'Europe', 'GBP', 0.20, 1), ('CH', 'Switzerland', '瑞士', 'Europe', 'CHF', 0.081, 1),
    ('SE', 'Sweden', '瑞典', 'Europe', 'SEK', 0.25, 1), ('US', 'United States', '美国', 'Americas', 'USD', 0, 2),
    ('CA', 'Canada', '加拿大', 'Americas', 'USD', 0.05, 2), ('MX', 'Mexico', '墨西哥', 'Americas', 'USD', 0.16, 2),
    ('BR', 'Brazil', '巴西', 'Americas', 'USD', 0.17, 2), ('CN', 'China', '中国', 'Asia Pacific', 'CNY', 0.13, 3),
    ('JP', 'Japan', '日本', 'Asia Pacific', 'JPY', 0.10, 3), ('KR', 'South Korea', '韩国', 'Asia Pacific', 'USD', 0.10, 3),
    ('SG', 'Singapore', '新加坡', 'Asia Pacific', 'SGD', 0.09, 4), ('AU', 'Australia', '澳大利亚', 'Asia Pacific', 'USD', 0.10, 4);

-- Names by language, for customers and employees. Weight: share of customers.
create temporary table places (country_code, weight, cities, legal_form, first_names, last_names) as
values
    ('DE', 15, '{Hamburg,Berlin,Munich,Cologne,Frankfurt,Leipzig,Bremen}'::text[], 'GmbH', '{Anna,Jonas,Lena,Felix,Katrin,Stefan,Miriam,Tobias}'::text[], '{Becker,Hoffmann,Schulz,Krüger,Wagner,Neumann,Vogt,Lange}'::text[]),
    ('FR', 11, '{Paris,Lyon,Marseille,Lille,Bordeaux,Nantes}', 'SARL', '{Camille,Hugo,Chloé,Julien,Manon,Antoine}', '{Moreau,Lefèvre,Girard,Roux,Fontaine,Mercier}'),
    ('IT', 7, '{Milan,Rome,Turin,Bologna,Naples}', 'S.r.l.', '{Giulia,Marco,Chiara,Luca,Elena,Paolo}', '{Rossi,Conti,Ferrara,Greco,Bianchi,Marini}'),
    ('ES', 6, '{Madrid,Barcelona,Valencia,Seville,Bilbao}', 'S.L.', '{Lucía,Javier,Marta,Diego,Carmen,Pablo}', '{García,Navarro,Ortega,Molina,Serrano,Vega}'),
    ('NL', 5, '{Amsterdam,Rotterdam,Utrecht,Eindhoven}', 'B.V.', '{Sanne,Daan,Femke,Bram,Lotte,Ruben}', '{Visser,Bakker,Dekker,Mulder,Smit,Vermeer}'),
    ('AT', 3, '{Vienna,Graz,Linz,Salzburg}', 'GmbH', '{Anna,Lukas,Theresa,Georg}', '{Gruber,Pichler,Steiner,Moser}'),
    ('PL', 4, '{Warsaw,Krakow,Gdansk,Wroclaw,Poznan}', 'Sp. z o.o.', '{Zofia,Piotr,Maja,Tomasz}', '{Nowak,Wójcik,Zieliński,Mazur}'),
    ('PT', 2, '{Lisbon,Porto,Braga}', 'Lda', '{Inês,Tiago,Rita,Nuno}', '{Ferreira,Carvalho,Lopes,Teixeira}'),
    ('GB', 9, '{London,Manchester,Leeds,Bristol,Glasgow,Liverpool}', 'Ltd', '{Emma,Oliver,Sophie,James,Grace,Daniel}', '{Taylor,Hughes,Walker,Bennett,Carter,Shaw}'),
    ('CH', 3, '{Zurich,Geneva,Basel,Bern}', 'AG', '{Nina,Reto,Laura,Beat}', '{Keller,Meier,Frei,Brunner}'),
    ('SE', 3, '{Stockholm,Gothenburg,Malmö,Uppsala}', 'AB', '{Elin,Oskar,Maja,Viktor}', '{Lindberg,Nyström,Holm,Sandberg}'),
    ('US', 12, '{New York,Chicago,Seattle,Austin,Boston,Denver,Portland,Atlanta}', 'Inc.', '{Emily,Michael,Rachel,David,Megan,Brian}', '{Johnson,Miller,Reyes,Coleman,Murphy,Brooks}'),
    ('CA', 3, '{Toronto,Vancouver,Montreal,Calgary}', 'Ltd', '{Claire,Nathan,Sarah,Liam}', '{Tremblay,Campbell,Fraser,Martin}'),
    ('MX', 2, '{Mexico City,Guadalajara,Monterrey}', 'S.A. de C.V.', '{Sofía,Andrés,Valeria,Luis}', '{Hernández,Torres,Ramírez,Salazar}'),
    ('BR', 2, '{São Paulo,Rio de Janeiro,Curitiba}', 'Ltda', '{Beatriz,Rafael,Larissa,Thiago}', '{Silva,Almeida,Barbosa,Ribeiro}'),
    ('CN', 8, '{上海,杭州,深圳,广州,北京,成都,苏州}', '商贸有限公司', '{伟,芳,娜,敏,静,磊,洋,艳}', '{王,李,张,刘,陈,杨,赵,黄}'),
    ('JP', 3, '{Tokyo,Osaka,Nagoya,Kyoto,Fukuoka}', 'K.K.', '{Yuki,Haruto,Aoi,Ren}', '{Sato,Suzuki,Tanaka,Watanabe}'),
    ('KR', 2, '{Seoul,Busan,Incheon}', 'Co., Ltd.', '{Minseo,Jiho,Seoyeon,Dohyun}', '{Kim,Lee,Park,Choi}'),
    ('SG', 2, '{Singapore}', 'Pte. Ltd.', '{Wei Ling,Hafiz,Mei,Arjun}', '{Tan,Lim,Ng,Nair}'),
    ('AU', 3, '{Sydney,Melbourne,Brisbane,Perth}', 'Pty Ltd', '{Charlotte,Jack,Isla,Noah}', '{Thompson,Kelly,Ryan,Harris}');

-- The managing director, five heads of department, their people.
insert into trading.employees
    (employee_id, full_name, job_title, department, manager_id, hired_on, salary)
select
    n,
    case when p.country_code = 'CN'
        then pg_temp.pick(n, 'last', p.last_names) || pg_temp.pick(n, 'first', p.first_names)
        else format('%s %s', pg_temp.pick(n, 'first', p.first_names), pg_temp.pick(n, 'last', p.last_names)) end,
    case
        when n = 1 then 'Managing Director'
        when n <= 6 then 'Head of ' || d.department
        when d.department = 'Sales' then pg_temp.pick(n, 'title', '{Account Manager,Sales Representative,Senior Sales Representative}')
        else pg_temp.pick(n, 'title', '{Specialist,Senior Specialist,Assistant}')
    end,
    case when n = 1 then 'Management' else d.department end,
    case when n = 1 then null when n <= 6 then 1 else 2 + (n - 2) % 5 end,
    date '2008-01-01' + (pg_temp.draw(n, 'hired') * 5700)::int,
    round((case when n = 1 then 168000 when n <= 6 then 92000 else 36000 end
        * (1 + 0.5 * pg_temp.draw(n, 'salary')))::numeric, -2)
from generate_series(1, 80) as n
cross join lateral (
    select (array['Sales', 'Purchasing', 'Logistics', 'Finance', 'Marketing'])[1 + (n + 3) % 5]
) as d (department)
join places p on p.country_code = (array['DE', 'GB', 'FR', 'US', 'NL', 'CN'])[1 + n % 6]
order by n;

-- Customers, more of them where the company is better known.
create temporary table tickets as
select row_number() over (order by country_code, n) - 1 as ticket, country_code
from places, generate_series(1, weight) as n;

insert into trading.customers
    (customer_id, company_name, contact_name, email, phone, city, country_code, segment,
     account_manager_id, credit_limit, payment_terms_days, registered_on, is_active)
select
    n,
    case when t.country_code = 'CN'
        then city || pg_temp.pick(n, 'zh1', '{晨光,嘉和,恒信,远洋,明月,华美,金桥,东方,瑞丰,永安,天源,春晓}')
            || pg_temp.pick(n, 'zh2', '{百货,家居,生活,优品}') || p.legal_form
        else format('%s %s %s',
            case when pg_temp.draw(n, 'named') < 0.5 then city || ' ' || pg_temp.pick(n, 'trade', '{House,Living,Outdoor,Office,Kitchen,Garden,Tools,Studio,Central,Harbour,North,Old Town}')
                else pg_temp.pick(n, 'last', p.last_names) || pg_temp.pick(n, 'and', '{" & Sons"," & Partners"," Brothers",""}') end,
            pg_temp.pick(n, 'what', '{Supplies,Trading,Store,Market,Depot,Shop,Wholesale,Interiors,Equipment,Imports,Collective,Galleries,Essentials,Retail}'), p.legal_form)
    end,
    case when t.country_code = 'CN'
        then pg_temp.pick(n, 'last', p.last_names) || pg_temp.pick(n, 'first', p.first_names)
        else pg_temp.pick(n, 'first', p.first_names) || ' ' || pg_temp.pick(n, 'last', p.last_names) end,
    format('orders.%s@customer-%s.example', lower(t.country_code), n),
    format('+%s %s %s',
        '{"DE": 49, "FR": 33, "IT": 39, "ES": 34, "NL": 31, "AT": 43, "PL": 48, "PT": 351, "GB": 44, "CH": 41,
          "SE": 46, "US": 1, "CA": 1, "MX": 52, "BR": 55, "CN": 86, "JP": 81, "KR": 82, "SG": 65, "AU": 61}'::jsonb ->> t.country_code,
        100 + (pg_temp.draw(n, 'area') * 899)::int, 1000000 + (pg_temp.draw(n, 'line') * 8999999)::int),
    city,
    t.country_code,
    case when pg_temp.draw(n, 'segment') < 0.45 then 'retail' when pg_temp.draw(n, 'segment') < 0.70 then 'wholesale'
        when pg_temp.draw(n, 'segment') < 0.90 then 'online' else 'hospitality' end,
    s.employee_id,
    round((5000 + 95000 * pg_temp.draw(n, 'limit') ^ 3)::numeric, -3),
    (array[14, 30, 30, 30, 45, 60])[1 + floor(pg_temp.draw(n, 'terms') * 6)::int],
    date '2012-01-01' + (pg_temp.draw(n, 'registered') * 4380)::int,
    pg_temp.draw(n, 'active') < 0.97
from generate_series(1, 2400) as n
join tickets t on t.ticket = floor(pg_temp.draw(n, 'country') * (select count(*) from tickets))
join places p using (country_code)
cross join lateral (select pg_temp.pick(n, 'city', p.cities)) as c (city)
join (
    select employee_id, row_number() over (order by employee_id) - 1 as place, count(*) over () as people
    from trading.employees where department = 'Sales' and employee_id > 6
) s on s.place = floor(pg_temp.draw(n, 'manager') * s.people)
order by n;

insert into trading.categories (category_id, parent_id, name, name_zh) values
    (1, null, 'Home', '家居'), (2, null, 'Office', '办公'), (3, null, 'Outdoor', '户外'), (4, null, 'Tools', '工具'),
    (11, 1, 'Kitchenware', '厨具'), (12, 1, 'Furniture', '家具'), (13, 1, 'Lighting', '灯具'), (14, 1, 'Textiles', '纺织品'),
    (21, 2, 'Stationery', '文具'), (22, 2, 'Office Chairs', '办公椅'), (23, 2, 'Desk Accessories', '桌面用品'),
    (31, 3, 'Camping', '露营用品'), (32, 3, 'Garden', '园艺'), (33, 3, 'Cycling', '骑行用品'),
    (41, 4, 'Hand Tools', '手动工具'), (42, 4, 'Power Tools', '电动工具');

insert into trading.suppliers (supplier_id, company_name, country_code, email, lead_time_days, rating)
select
    n,
    case when p.country_code = 'CN'
        then pg_temp.pick(n, 's city', p.cities) || pg_temp.pick(n, 's zh', '{宏达,鑫隆,新华,三江,立信,中联}') || '制造有限公司'
        else format('%s %s %s', pg_temp.pick(n, 's last', p.last_names), pg_temp.pick(n, 's what', '{Manufacturing,Industries,Works,Products}'), p.legal_form) end,
    p.country_code,
    format('sales@supplier-%s.example', n),
    case when p.country_code in ('CN', 'KR', 'JP') then 25 else 7 end + (pg_temp.draw(n, 'lead') * 12)::int,
    round((2.5 + 2.5 * pg_temp.draw(n, 'rating'))::numeric, 1)
from generate_series(1, 60) as n
join places p on p.country_code = pg_temp.pick(n, 's country', '{CN,CN,CN,DE,DE,IT,PL,PT,KR,JP,US,SE}')
order by n;

create temporary table ranges (category_id, price, weight, nouns) as
values
    (11, 24.0, 0.9, '{Frying Pan,Saucepan,Chef Knife,Cutting Board,Mixing Bowl,Kettle,Teapot,Cutlery Set}'::text[]),
    (12, 210.0, 21.0, '{Bookcase,Coffee Table,Dining Chair,Wardrobe,Bedside Table,Shelf}'),
    (13, 58.0, 2.1, '{Desk Lamp,Floor Lamp,Pendant Light,Wall Light,Lantern}'),
    (14, 31.0, 0.8, '{Bath Towel,Table Cloth,Curtain,Cushion,Blanket}'),
    (21, 6.5, 0.3, '{Notebook,Fountain Pen,Marker Set,Stapler,Envelope Pack,Ring Binder}'),
    (22, 185.0, 15.0, '{Task Chair,Swivel Chair,Conference Chair,Drafting Stool}'),
    (23, 17.0, 0.6, '{Monitor Stand,Desk Organiser,Pen Holder,Cable Box,Desk Mat}'),
    (31, 74.0, 2.8, '{Tent,Sleeping Bag,Camping Stove,Backpack,Head Torch,Folding Chair}'),
    (32, 29.0, 2.4, '{Watering Can,Pruning Shears,Garden Hose,Planter,Rake,Spade}'),
    (33, 46.0, 0.7, '{Bicycle Helmet,Pannier Bag,Bike Lock,Floor Pump,Cycling Gloves}'),
    (41, 19.0, 0.8, '{Hammer,Screwdriver Set,Spirit Level,Hand Saw,Pliers,Tape Measure}'),
    (42, 118.0, 3.4, '{Cordless Drill,Circular Saw,Angle Grinder,Jigsaw,Orbital Sander}');

-- Noun, line and edition tell the products of a category apart.
insert into trading.products
    (product_id, sku, name, category_id, supplier_id, unit_cost, list_price, weight_kg,
     launched_on, discontinued)
select
    n,
    format('%s-%s', upper(left(replace(c.name, ' ', ''), 3)), 10000 + n),
    rtrim(format('%s %s %s',
        (array['Alder', 'Birch', 'Cedar', 'Fjord', 'Harbour', 'Lagoon', 'Meadow', 'Nordic', 'Summit', 'Willow'])[1 + (n / 12 / cardinality(r.nouns)) % 10],
        r.nouns[1 + (n / 12) % cardinality(r.nouns)],
        (array['', 'Classic', 'Plus', 'Pro', 'Mini'])[1 + (n / 12 / cardinality(r.nouns) / 10) % 5])),
    r.category_id,
    1 + floor(pg_temp.draw(n, 'supplier') * 60)::int,
    round((p.price * (0.48 + 0.2 * pg_temp.draw(n, 'cost')))::numeric, 2),
    p.price,
    round((r.weight * (0.6 + 0.9 * pg_temp.draw(n, 'weight')))::numeric, 3),
    date '2015-01-01' + (pg_temp.draw(n, 'launched') * 3280)::int,
    pg_temp.draw(n, 'discontinued') < 0.04
from generate_series(1, 600) as n
join (select *, row_number() over (order by category_id) - 1 as place from ranges) r on r.place = n % 12
join trading.categories c using (category_id)
cross join lateral (
    select (floor(r.price * (0.5 + 1.4 * pg_temp.draw(n, 'price') ^ 2)) + 0.90)::numeric(10, 2)
) as p (price)
order by n;

insert into trading.carriers (carrier_id, name, transport_mode) values
    (1, 'Hansa Road', 'road'), (2, 'EuroParcel', 'road'), (3, 'Midwest Freight', 'road'),
    (4, 'SkyBridge Cargo', 'air'), (5, 'Pacific Air Express', 'air'), (6, 'Blue Ocean Lines', 'sea'),
    (7, '顺安物流', 'road');

-- Orders: growing, fewer at weekends, most before Christmas; a few large
-- customers order often.
insert into trading.orders
    (order_id, order_number, customer_id, employee_id, order_date, required_date, status,
     discount, shipping_fee, sales_channel)
select
    n,
    format('SO-%s-%s', to_char(day, 'YYYY'), lpad(n::text, 6, '0')),
    c.customer_id,
    c.account_manager_id,
    day,
    day + 14 + (pg_temp.draw(n, 'required') * 21)::int,
    case
        when pg_temp.draw(n, 'cancelled') < 0.035 then 'cancelled'
        when day + 14 <= date '2025-12-31' then 'delivered'
        when day + 7 <= date '2025-12-31' then 'shipped'
        when day + 3 <= date '2025-12-31' then 'processing'
        else 'pending'
    end,
    case
        when c.segment = 'wholesale' then (array[0.05, 0.05, 0.10, 0.10, 0.15, 0.20])[1 + floor(pg_temp.draw(n, 'discount') * 6)::int]
        else (array[0, 0, 0, 0, 0.05, 0.10])[1 + floor(pg_temp.draw(n, 'discount') * 6)::int]
    end,
    (array[0, 9.9, 9.9, 14.9, 24.9])[1 + floor(pg_temp.draw(n, 'fee') * 5)::int],
    case
        when c.segment = 'online' then 'web shop'
        else pg_temp.pick(n, 'channel', '{web shop,e-mail,telephone,sales visit,EDI}')
    end
from (
    select day::date as day, row_number() over (order by day, k) as n
    from generate_series(timestamp '2024-01-01', timestamp '2025-12-31', interval '1 day') as day
    cross join lateral generate_series(1, round(
        (18 + 7 * (day::date - date '2024-01-01') / 730.0)
        * case when extract(isodow from day) > 5 then 0.35 else 1.2 end
        * case extract(month from day) when 11 then 1.5 when 12 then 1.25 when 8 then 0.8 else 1 end)::int) as k
) as calendar
join trading.customers c
    on c.customer_id = 1 + floor(2400 * pg_temp.draw(n, 'customer') ^ 2)
order by n;

insert into trading.order_items (order_id, order_date, line_number, product_id, quantity, unit_price)
select
    order_id,
    order_date,
    row_number() over (partition by order_id order by k),
    product_id,
    greatest(1, round((1 + 11 * pg_temp.draw(key, 'quantity') ^ 2)
        * case segment when 'wholesale' then 3 when 'hospitality' then 2 else 1 end
        * case when list_price > 150 then 0.4 else 1 end))::int,
    -- Prices went up by 3% on the first of January 2025.
    case when order_date < date '2025-01-01' then list_price else round(list_price * 1.03, 2) end
from (
    select o.order_id, o.order_date, k, o.order_id * 10::bigint + k as key, c.segment, p.product_id, p.list_price,
        row_number() over (partition by o.order_id, p.product_id order by k) as again
    from trading.orders o
    join trading.customers c using (customer_id)
    cross join lateral generate_series(1, 1 + floor(4 * pg_temp.draw(o.order_id, 'lines'))::int) as k
    join trading.products p
        on p.product_id = 1 + floor(600 * pg_temp.draw(o.order_id * 10::bigint + k, 'product') ^ 1.4)
) as lines
where again = 1
order by order_id, k;

insert into trading.shipments
    (shipment_id, order_id, warehouse_id, carrier_id, tracking_number, shipped_on, delivered_on)
select
    row_number() over (order by shipped_on, order_id),
    order_id,
    warehouse_id,
    carrier_id,
    format('%s%s', chr(64 + carrier_id) || 'X', 700000000 + order_id * 7919::bigint % 99999999),
    shipped_on,
    case when status = 'delivered' then least(shipped_on + case transport_mode when 'air' then 2 when 'road' then 3 else 12 end
        + floor(pg_temp.draw(order_id, 'transit') ^ 3 * 14)::int, date '2025-12-31') end
from (
    select o.order_id, o.status, n.warehouse_id, o.order_date + 1 + floor(pg_temp.draw(o.order_id, 'ready') * 6)::int as shipped_on,
        case n.warehouse_id
            when 1 then (array[1, 1, 2, 2, 4])[1 + floor(pg_temp.draw(o.order_id, 'carrier') * 5)::int]
            when 2 then (array[3, 3, 3, 4])[1 + floor(pg_temp.draw(o.order_id, 'carrier') * 4)::int]
            when 3 then (array[7, 7, 5, 6])[1 + floor(pg_temp.draw(o.order_id, 'carrier') * 4)::int]
            else (array[5, 6])[1 + floor(pg_temp.draw(o.order_id, 'carrier') * 2)::int]
        end as carrier_id
    from trading.orders o
    join trading.customers c using (customer_id)
    join trading.countries n using (country_code)
    where o.status in ('shipped', 'delivered')
) as sent
join trading.carriers using (carrier_id);

insert into trading.returns
    (return_id, order_id, order_date, line_number, quantity, reason, returned_on, refund_amount)
select
    row_number() over (order by returned_on, order_id, line_number),
    order_id,
    order_date,
    line_number,
    returned,
    pg_temp.pick(key, 'reason', '{damaged in transit,wrong item,defective,no longer needed,late delivery}'),
    returned_on,
    round(returned * unit_price * (1 - discount), 2)
from (
    select i.*, o.discount, i.order_id * 10::bigint + i.line_number as key,
        ceil(i.quantity * pg_temp.draw(i.order_id * 10::bigint + i.line_number, 'share'))::int as returned,
        s.delivered_on + 3 + floor(pg_temp.draw(i.order_id, 'back') * 25)::int as returned_on
    from trading.order_items i
    join trading.orders o using (order_id, order_date)
    join trading.shipments s using (order_id)
    where s.delivered_on is not null
      and pg_temp.draw(i.order_id * 10::bigint + i.line_number, 'returned') < 0.03
) as sent_back
where returned_on <= date '2025-12-31' and returned > 0;

-- Purchasing: a warehouse orders each quarter, from each supplier, what the
-- quarter will take and a reserve.
create temporary table needs as
select
    s.warehouse_id,
    p.supplier_id,
    date_trunc('quarter', s.shipped_on)::date as quarter,
    i.product_id,
    p.unit_cost,
    sum(i.quantity)::int as needed
from trading.shipments s
join trading.order_items i using (order_id)
join trading.products p using (product_id)
group by s.warehouse_id, p.supplier_id, date_trunc('quarter', s.shipped_on), i.product_id, p.unit_cost;

create temporary table purchases as
select row_number() over (order by quarter, warehouse_id, supplier_id) as purchase_order_id, *
from (select distinct quarter, warehouse_id, supplier_id from needs) as n;

insert into warehouse.purchase_orders
    (purchase_order_id, supplier_id, warehouse_id, ordered_on, received_on, status)
select
    b.purchase_order_id,
    b.supplier_id,
    b.warehouse_id,
    b.quarter - u.lead_time_days - 6,
    b.quarter - 1 - floor(pg_temp.draw(b.purchase_order_id, 'early') * 5)::int,
    'received'
from purchases b
join trading.suppliers u using (supplier_id);

insert into warehouse.purchase_order_items (purchase_order_id, product_id, quantity, unit_cost)
select b.purchase_order_id, n.product_id, n.needed + 1 + floor(pg_temp.draw(n.product_id * 100::bigint + b.warehouse_id, 'reserve') * 5)::int, n.unit_cost
from needs n
join purchases b using (quarter, warehouse_id, supplier_id);

-- What is on its way for the next quarter.
insert into warehouse.purchase_orders
    (purchase_order_id, supplier_id, warehouse_id, ordered_on, received_on, status)
select (select max(purchase_order_id) from purchases) + row_number() over (order by supplier_id, warehouse_id),
    supplier_id, warehouse_id, date '2025-12-22', null, 'ordered'
from trading.suppliers, warehouse.warehouses
where pg_temp.draw(supplier_id * 10::bigint + warehouse_id, 'next') < 0.5;

insert into warehouse.purchase_order_items (purchase_order_id, product_id, quantity, unit_cost)
select o.purchase_order_id, p.product_id, 20 + floor(pg_temp.draw(o.purchase_order_id * 1000::bigint + p.product_id, 'ahead') * 60)::int, p.unit_cost
from warehouse.purchase_orders o
join trading.products p using (supplier_id)
where o.status = 'ordered' and not p.discontinued;

insert into warehouse.stock_movements
    (movement_id, warehouse_id, product_id, moved_on, quantity, reason, purchase_order_id, shipment_id)
select row_number() over (order by moved_on, reason, purchase_order_id, shipment_id, product_id), m.*
from (
    select o.warehouse_id, i.product_id, o.received_on as moved_on, i.quantity, 'purchase' as reason, o.purchase_order_id, null::int as shipment_id
    from warehouse.purchase_orders o
    join warehouse.purchase_order_items i using (purchase_order_id)
    where o.status = 'received'
    union all
    select s.warehouse_id, i.product_id, s.shipped_on, -i.quantity, 'sale', null, s.shipment_id
    from trading.shipments s
    join trading.order_items i using (order_id)
    union all
    select s.warehouse_id, i.product_id, r.returned_on, r.quantity, 'return', null, s.shipment_id
    from trading.returns r
    join trading.order_items i using (order_id, order_date, line_number)
    join trading.shipments s using (order_id)
    where r.reason in ('wrong item', 'no longer needed')
) as m;

insert into warehouse.stock (warehouse_id, product_id, quantity_on_hand, reorder_level, counted_on)
select warehouse_id, product_id, sum(quantity), 5 + floor(pg_temp.draw(product_id, 'level') * 20)::int, max(moved_on)
from warehouse.stock_movements
group by warehouse_id, product_id;

-- One invoice a shipment; it adds up to the order's lines, fee and tax.
create temporary table billed as
select
    s.order_id,
    o.customer_id,
    s.shipped_on as invoice_date,
    s.shipped_on + c.payment_terms_days as due_date,
    l.net,
    round(l.net * n.vat_rate, 2) as tax,
    n.currency_code,
    d.decimals
from trading.shipments s
join trading.orders o using (order_id)
join trading.customers c using (customer_id)
join trading.countries n using (country_code)
join finance.currencies d using (currency_code)
join (
    select i.order_id, sum(round(i.quantity * i.unit_price * (1 - o.discount), 2)) + o.shipping_fee as net
    from trading.order_items i
    join trading.orders o using (order_id, order_date)
    group by i.order_id, o.shipping_fee
) l using (order_id);

-- Nine in ten pay at once, some in two parts, some late, a few not yet.
create temporary table paid as
select order_id, part, paid_on,
    case when part = 1 and parts = 2 then round(total * 0.4, 2) when part = 2 then total - round(total * 0.4, 2) else total end as amount,
    total
from (
    select order_id, net + tax as total, part, parts,
        invoice_date + ((due_date - invoice_date) * (0.3 + 0.9 * pg_temp.draw(order_id, 'when')))::int
            + (part - 1) * 20 + case when pg_temp.draw(order_id, 'late') < 0.06 then 35 else 0 end as paid_on
    from billed
    cross join lateral (select case when pg_temp.draw(order_id, 'parts') < 0.09 then 2 else 1 end) as p (parts)
    cross join lateral generate_series(1, parts) as part
    where pg_temp.draw(order_id, 'never') >= 0.008
) as plan
where paid_on <= date '2025-12-31';

insert into finance.invoices
    (invoice_id, invoice_number, order_id, customer_id, invoice_date, due_date, net_amount,
     tax_amount, total_amount, currency_code, total_in_currency, status)
select
    row_number() over (order by b.invoice_date, b.order_id),
    format('INV-%s-%s', to_char(b.invoice_date, 'YYYY'), lpad((row_number() over (order by b.invoice_date, b.order_id))::text, 6, '0')),
    b.order_id,
    b.customer_id,
    b.invoice_date,
    b.due_date,
    b.net,
    b.tax,
    b.net + b.tax,
    b.currency_code,
    round((b.net + b.tax) * r.rate, b.decimals),
    case
        when coalesce(p.amount, 0) = b.net + b.tax then 'paid'
        when b.due_date < date '2025-12-31' then 'overdue'
        when p.amount > 0 then 'partly paid'
        else 'open'
    end
from billed b
join finance.exchange_rates r on r.currency_code = b.currency_code and r.rate_date = b.invoice_date
left join (select order_id, sum(amount) as amount from paid group by order_id) p using (order_id);

insert into finance.payments (payment_id, invoice_id, paid_on, amount, method)
select
    row_number() over (order by p.paid_on, i.invoice_id, p.part),
    i.invoice_id,
    p.paid_on,
    p.amount,
    case when c.country_code in ('CN', 'BR') and p.amount > 3000 then 'letter of credit'
        else pg_temp.pick(i.invoice_id, 'method', '{bank transfer,bank transfer,bank transfer,credit card,direct debit}') end
from paid p
join finance.invoices i using (order_id)
join trading.customers c using (customer_id);
