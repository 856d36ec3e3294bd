# ruff: noqa: RUF001  (Chinese text)
"""A shop, a clinic, a school and a warehouse, commented as Chinese users comment theirs.

Short names with lists of values (shop), sentences (clinic), English mixed in and
traditional characters (school), and Chinese identifiers without any comment
(warehouse). Dates of the shop are relative to today, the others fixed.
"""

SCHEMA = """
create schema mall;
create schema clinic;
create schema school;
create schema depot;

create table mall.members (
    member_id int primary key, real_name text not null, gender smallint not null, city text not null,
    level text not null, join_date date not null, points int not null, mobile text
);
comment on table mall.members is '会员表';
comment on column mall.members.member_id is '会员编号';
comment on column mall.members.real_name is '会员姓名';
comment on column mall.members.gender is '性别：1-男，2-女';
comment on column mall.members.city is '所在城市';
comment on column mall.members.level is '会员等级';
comment on column mall.members.join_date is '注册日期';
comment on column mall.members.points is '积分';
comment on column mall.members.mobile is '手机号';
create table mall.categories (category_id int primary key, category_name text not null);
comment on table mall.categories is '商品分类表';
comment on column mall.categories.category_id is '分类编号';
comment on column mall.categories.category_name is '分类名称';
create table mall.goods (
    goods_id int primary key, goods_name text not null, category_id int not null references mall.categories,
    brand text not null, price numeric(10, 2) not null, stock int not null, listed_on date not null
);
comment on table mall.goods is '商品表';
comment on column mall.goods.goods_id is '商品编号';
comment on column mall.goods.goods_name is '商品名称';
comment on column mall.goods.category_id is '所属分类';
comment on column mall.goods.brand is '品牌';
comment on column mall.goods.price is '单价（元）';
comment on column mall.goods.stock is '库存量';
comment on column mall.goods.listed_on is '上架日期';
create table mall.orders (
    order_id int primary key, member_id int not null references mall.members, order_time timestamp not null,
    status smallint not null, pay_amount numeric(12, 2) not null, pay_method text not null, paid_at timestamp
);
comment on table mall.orders is '订单表';
comment on column mall.orders.order_id is '订单编号';
comment on column mall.orders.member_id is '下单会员';
comment on column mall.orders.order_time is '下单时间';
comment on column mall.orders.status is '订单状态：0-待付款，1-已付款，2-已发货，3-已完成，4-已取消';
comment on column mall.orders.pay_amount is '订单金额';
comment on column mall.orders.pay_method is '支付方式：微信、支付宝、银行卡';
comment on column mall.orders.paid_at is '付款时间';
create table mall.order_items (
    item_id int primary key, order_id int not null references mall.orders, goods_id int not null references mall.goods,
    quantity int not null, amount numeric(12, 2) not null
);
comment on table mall.order_items is '订单明细表';
comment on column mall.order_items.item_id is '明细编号';
comment on column mall.order_items.order_id is '订单编号';
comment on column mall.order_items.goods_id is '商品编号';
comment on column mall.order_items.quantity is '购买数量';
comment on column mall.order_items.amount is '明细金额';

create table clinic.wards (ward_id int primary key, ward_name text not null, floor int not null);
comment on table clinic.wards is '用于记录医院的科室信息。';
comment on column clinic.wards.ward_id is '科室的唯一标识';
comment on column clinic.wards.ward_name is '表示科室的名称，不能为空';
comment on column clinic.wards.floor is '科室所在的楼层';
create table clinic.physicians (
    physician_id int primary key, full_name text not null, ward_id int not null references clinic.wards,
    rank text not null, fee numeric(8, 2) not null, hired_on date not null
);
comment on table clinic.physicians is '存储全院每一位医生的资料';
comment on column clinic.physicians.full_name is '医生的姓名';
comment on column clinic.physicians.ward_id is '医生所属的科室';
comment on column clinic.physicians.rank is '医生的职称，例如主任医师';
comment on column clinic.physicians.fee is '挂号费，以元为单位';
comment on column clinic.physicians.hired_on is '入职日期';
create table clinic.patients (
    patient_id int primary key, full_name text not null, sex text not null, birthday date not null,
    insured boolean not null
);
comment on table clinic.patients is '该表保存在本院就诊过的患者信息，由前台登记。';
comment on column clinic.patients.full_name is '患者的姓名';
comment on column clinic.patients.sex is '患者的性别（M 男，F 女）';
comment on column clinic.patients.birthday is '患者的出生日期';
comment on column clinic.patients.insured is '是否参保';
create table clinic.visits (
    visit_id int primary key, patient_id int not null references clinic.patients,
    physician_id int not null references clinic.physicians, visited_on date not null,
    state text not null, cancelled_on date
);
comment on table clinic.visits is '记录患者的挂号';
comment on column clinic.visits.visited_on is '就诊日期';
comment on column clinic.visits.state is '挂号状态（done=已就诊，missed=爽约，cancelled=已退号）';
comment on column clinic.visits.cancelled_on is '退号日期，没有退号时为空';

create table school.teachers (tid int primary key, tname text not null, title text not null, age int not null);
comment on table school.teachers is 'teachers 教師資料';
comment on column school.teachers.tname is '教師姓名 name';
comment on column school.teachers.title is '職稱';
comment on column school.teachers.age is '年齡';
create table school.courses (
    cid int primary key, cname text not null, tid int not null references school.teachers, credit int not null,
    capacity int not null
);
comment on table school.courses is 'courses 課程資料';
comment on column school.courses.cname is '課程名稱';
comment on column school.courses.tid is '授課教師';
comment on column school.courses.credit is '學分';
comment on column school.courses.capacity is '課程容量';
create table school.students (
    sid int primary key, sname text not null, major text not null, enrolled_year int not null, class_name text not null
);
comment on table school.students is 'students 學生資料';
comment on column school.students.sname is '學生姓名';
comment on column school.students.major is '專業';
comment on column school.students.enrolled_year is '入學年份';
comment on column school.students.class_name is '班級';
create table school.selections (
    sid int not null references school.students, cid int not null references school.courses,
    score numeric(5, 1), primary key (sid, cid)
);
comment on table school.selections is 'course selections 選課記錄';
comment on column school.selections.score is '成績 score';

create table depot."仓库" ("仓库编号" int primary key, "仓库名称" text not null, "所在省份" text not null, "面积" int not null);
create table depot."物料" ("物料编号" int primary key, "物料名称" text not null, "物料类别" text not null, "重量" numeric(6, 1) not null);
create table depot."库存" (
    "仓库编号" int not null references depot."仓库", "物料编号" int not null references depot."物料",
    "库存数量" int not null, "安全库存" int not null, primary key ("仓库编号", "物料编号")
);
create table depot."出库单" (
    "单号" int primary key, "仓库编号" int not null references depot."仓库",
    "物料编号" int not null references depot."物料", "出库日期" date not null, "出库数量" int not null, "经办人" text not null
);

insert into mall.members
    select n, (array['王', '李', '张', '刘', '陈', '杨', '赵'])[1 + n % 7] || (array['伟', '芳', '娜', '敏', '静', '磊', '洋', '勇', '艳', '杰', '涛'])[1 + n % 11],
        1 + n % 2, (array['北京', '上海', '杭州', '成都', '武汉'])[1 + n / 2 % 5], (array['普通', '银卡', '金卡', '钻石'])[1 + n % 4],
        current_date - n * 13, n * 37 % 1000, case when n % 6 <> 0 then '1380000' || (1000 + n) end
    from generate_series(1, 60) n;
insert into mall.categories values (1, '手机数码'), (2, '家用电器'), (3, '服装鞋包'), (4, '图书文具'), (5, '食品生鲜');
insert into mall.goods
    select n, (array['云雀', '远山', '青松', '白鹭', '海棠'])[1 + n % 5] || (array['甲', '乙', '丙', '丁', '戊', '己', '庚'])[1 + n % 7], 1 + n % 4,
        (array['华星', '联创', '美林', '安踏实'])[1 + n % 4], 20 + n * 97 % 1900, n * 17 % 300, date '2024-01-05' + n * 9
    from generate_series(1, 35) n;
insert into mall.orders
    select n, 1 + n * n * 7 % 53, current_date - (n * 5 % 700) + interval '10 hours', (n * 3 + n / 7) % 5, 30 + n * 131 % 2500,
        (array['微信', '支付宝', '银行卡'])[1 + n * n % 3], case when (n * 3 + n / 7) % 5 in (1, 2, 3) then current_date - (n * 5 % 700) + interval '11 hours' end
    from generate_series(1, 500) n;
insert into mall.order_items
    select n, 1 + n * 3 % 500, 1 + n * n % 33, 1 + n % 4, 15 + n * 53 % 900 from generate_series(1, 1200) n;
insert into clinic.wards values (1, '内科', 2), (2, '外科', 3), (3, '儿科', 2), (4, '眼科', 5), (5, '急诊科', 1);
insert into clinic.physicians
    select n, (array['周', '吴', '郑', '孙'])[1 + n % 4] || (array['明', '丽', '强', '婷', '平'])[1 + n % 5], 1 + n * n % 4,
        (array['主任医师', '副主任医师', '主治医师'])[1 + n % 3], 10 + n * 7 % 60, date '2009-03-01' + n * 211
    from generate_series(1, 18) n;
insert into clinic.patients
    select n, (array['钱', '冯', '褚', '卫', '蒋'])[1 + n % 5] || (array['一', '建国', '秀英', '小红', '志强', '美玲', '文'])[1 + n % 7],
        (array['M', 'F'])[1 + n % 2], date '1950-02-01' + n * 311, n % 3 <> 0
    from generate_series(1, 80) n;
insert into clinic.visits
    select n, 1 + n * n * 3 % 71, 1 + n * n % 17, date '2024-01-02' + n * 2 % 720,
        (array['done', 'done', 'missed', 'cancelled', 'done'])[1 + n % 5], case when n % 5 = 3 then date '2024-01-01' + n * 2 % 720 end
    from generate_series(1, 600) n;
insert into school.teachers
    select n, (array['孔', '孟', '荀', '老', '庄', '墨'])[1 + n % 6] || (array['文博', '思远', '雅琴'])[1 + n % 3],
        (array['教授', '副教授', '讲师'])[1 + n % 3], 28 + n * 5 % 33 from generate_series(1, 12) n;
insert into school.courses
    select n, (array['高等数学', '线性代数', '大学英语', '数据结构', '操作系统', '概率论', '普通物理', '宏观经济学', '市场营销', '程序设计', '机器学习', '艺术史', '体育', '书法'])[n],
        1 + n * n % 10, 1 + n % 5, 30 + n * 13 % 90 from generate_series(1, 14) n;
insert into school.students
    select n, (array['林', '何', '高', '梁', '宋', '唐', '许'])[1 + n % 7] || (array['子涵', '雨桐', '浩然', '欣怡', '宇轩'])[1 + n % 5],
        (array['计算机', '数学', '金融', '英语'])[1 + n / 3 % 4], 2021 + n % 4, (array['一班', '二班', '三班'])[1 + n % 3]
    from generate_series(1, 90) n;
insert into school.selections
    select s, c, case when (s + c) % 9 <> 0 then 50 + (s * 7 + c * 13) % 50 end
    from generate_series(1, 84) s, generate_series(1, 12) c where (s * c + s) % (2 + c % 4) = 0;
insert into depot."仓库" values (1, '华东一号仓', '浙江', 12000), (2, '华南中心仓', '广东', 18000), (3, '西部仓', '四川', 9500), (4, '北方仓', '河北', 7000), (5, '备用仓', '浙江', 3000);
insert into depot."物料" select n, (array['螺丝', '轴承', '电机', '电缆', '阀门'])[1 + n % 5] || n, (array['五金', '电气', '液压'])[1 + n % 3], 0.5 + n * 7 % 40 from generate_series(1, 24) n;
insert into depot."库存" select w, m, (w * 31 + m * m * 17) % 400, 100 from generate_series(1, 4) w, generate_series(1, 22) m where (w + m) % 3 <> 0;
insert into depot."出库单"
    select n, 1 + n * n % 4, 1 + n * 5 % 21, date '2025-01-03' + n * 2 % 350, 1 + n * 29 % 120, (array['赵强', '钱进', '孙立'])[1 + n % 3]
    from generate_series(1, 300) n;
analyze;
alter database :database set search_path = public, mall, clinic, school, depot;
"""
