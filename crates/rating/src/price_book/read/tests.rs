use expect_test::{Expect, expect};

use super::*;
use crate::price_book::{Class, ComponentRef, StateMeaning};

/// Makes a book of a text.
type Book = fn(&str) -> String;

/// Reads the book that is made of each text, and prints the text with what is wrong: `line:column reason; remedy`.
fn check(texts: &[(Book, &str)], expected: &Expect) {
    let told = |(book, text): &(Book, &str)| {
        let echo = if text.is_empty() { "(nothing)".to_owned() } else { short(text.trim_end()) };
        let problems = problems(&book(text)).replace('\n', "\n    ");
        format!("{}\n    {problems}\n", echo.lines().collect::<Vec<_>>().join("; "))
    };
    expected.assert_eq(&texts.iter().map(told).collect::<String>());
}

/// As much of a text as one can read.
fn short(text: &str) -> String {
    if text.len() < 200 { text.to_owned() } else { text.chars().take(20).chain("…".chars()).collect() }
}

fn problems(toml: &str) -> String {
    let Err(problems) = PriceBook::read(toml) else { return "accepted".to_owned() };
    assert!(!problems.is_empty());
    let write = |problem: &Problem| {
        let (line, column) = line_and_column(toml, problem.span.start);
        assert!(problem.span.end <= toml.len(), "{problem:?}");
        format!("{line}:{column} {}; {}", problem.reason, problem.remedy)
    };
    problems.iter().map(write).collect::<Vec<_>>().join("\n")
}

fn read(toml: &str) -> PriceBook {
    assert_eq!(problems(toml), "accepted");
    PriceBook::read(toml).unwrap()
}

/// The first component of the first version.
const FIRST: ComponentRef = ComponentRef { version: 0, component: 0 };

fn model(toml: &str) -> Model {
    read(toml).component(FIRST).model.clone()
}

const HEAD: &str = r#"[book]
id = "b"
currency = "RUB"
timezone = "Europe/Moscow"
"#;

/// The text itself.
fn whole(text: &str) -> String {
    text.to_owned()
}

/// The fields of `[book]`, from line 2 on.
fn book(fields: &str) -> String {
    format!("[book]\n{fields}\n[[version]]\neffective = 2026-10-01\n")
}

/// What follows on `[book]`, from line 5 on.
fn after_head(text: &str) -> String {
    format!("{HEAD}{text}")
}

/// What follows on the date of a version, from line 7 on.
fn version(fields: &str) -> String {
    after_head(&format!("[[version]]\neffective = 2026-10-01\n{fields}\n"))
}

/// A version of a date, in line 6.
fn dated(date: &str) -> String {
    after_head(&format!("[[version]]\neffective = {date}\n"))
}

/// The fields of a component, from line 8 on.
fn component(fields: &str) -> String {
    version(&format!("[[version.component]]\n{fields}"))
}

/// What the component of a VM needs besides, from line 11 on.
fn vm(fields: &str) -> String {
    component(&format!("id = \"vm.on\"\nkind = \"vm\"\nquantity = [\"vcpu\"]\n{fields}"))
}

/// What a component that is billed once may have besides, from line 13 on.
fn once(fields: &str) -> String {
    vm(&format!("model = \"once\"\nprice = \"1\"\n{fields}"))
}

/// What the component of a usage needs besides, from line 12 on.
fn calls(fields: &str) -> String {
    component(&format!(
        "id = \"api.call\"\nkind = \"api_call\"\nquantity = [\"calls\"]\nmodel = \"per_use\"\n{fields}"
    ))
}

fn price(price: &str) -> String {
    vm(&format!("model = \"once\"\nprice = \"{price}\""))
}

fn tiers(tiers: &str) -> String {
    calls(&format!("tiers = [{tiers}]"))
}

fn round_up(fields: &str) -> String {
    once(&format!("round_up = {{ {fields} }}"))
}

fn when(conditions: &str) -> String {
    once(&format!("when = {{ {conditions} }}"))
}

fn states(lists: &str) -> String {
    version(&format!("[states.vm]\n{lists}"))
}

fn vat(fields: &str) -> String {
    version(&format!("vat = {{ {fields} }}"))
}

/// All are accepted.
fn good(book: Book, texts: &[&str]) {
    for text in texts {
        assert_eq!(problems(&book(text)), "accepted", "{text}");
    }
}

#[test]
fn every_model_is_read_with_its_fields() {
    good(
        vm,
        &[
            "model = 'per_second'\nprice = '365.25'\nper = 'month'",
            "model = 'per_second'\nprice = '0'\nper = 'second'",
            "model = 'hourly_peak'\nprice = '0.85'",
            "model = 'monthly'\nprice = '4.20'\nprorate = 'none'",
            "model = 'monthly_peak'\nprice = '1450.00'\ngroup_by = 'os'",
            "model = 'once'\nprice = '25000'",
            "model = 'per_use'\nprice = '0.000611111'",
            "model = 'per_use'\ntiers = [{ up_to = '10', price = '2' }, { price = '1' }]\ntier_mode = 'volume'",
            "model = 'once'\nprice = '1'\nround_up = { step = '100', min = '200' }\nwhen = { os = ['a', 4, 2.5] }",
        ],
    );
}

#[test]
fn a_version_may_have_no_component() {
    good(version, &[""]);
}

#[test]
fn an_empty_text_is_no_book() {
    check(&[(whole, ""), (whole, "# Nothing yet.\n")], &expect![""]);
}

#[test]
fn a_text_that_is_not_toml_is_refused_where_it_breaks() {
    check(
        &[
            (whole, "[book"),
            (whole, "[book]\nid = b\n"),
            (whole, "[book]\nid = \"b\ncurrency = \"RUB\"\n"),
            (whole, "[book]\nid = 'b'\nid = 'c'\n"),
            (whole, "[book]\nid = 'b'\n[book]\n"),
            (whole, "[book]\nvat = { rate = '22' included = true }\n"),
            (whole, "[book]\r\nid = 'b'\r\nцена = 1\r\n"),
            (whole, "[[version]\neffective = 2026-10-01\n"),
            (whole, "[[version]]\neffective = 01.10.2026\n"),
            (whole, "[[version]]\neffective = 2026-10-1\n"),
            (whole, "[[version]]\neffective = 2026-02-29\n"),
            (whole, "{\"book\": {}}"),
        ],
        &expect![""],
    );
}

#[test]
fn ten_thousand_brackets_do_not_exhaust_the_stack() {
    let nested = |open: &str, close: &str| format!("x = {}{}", open.repeat(10_000), close.repeat(10_000));
    let (lists, tables) = (nested("[", "]"), nested("{ a = ", " }"));
    let path = ["a"; 10_000].join(".");
    let (key, header) = (format!("{path} = 1"), format!("[{path}]"));
    check(
        &[(whole, &lists), (whole, &tables), (whole, &"[".repeat(10_000)), (whole, &key), (whole, &header)],
        &expect![""],
    );
}

#[test]
fn a_text_of_a_million_digits_is_refused_in_a_short_message() {
    let nines = "9".repeat(1_000_000);
    check(
        &[
            (price, &nines),
            (price, &format!("0.{nines}")),
            (vm, &format!("price = {nines}\nmodel = 'once'")),
            (vm, &format!("model = '{nines}'")),
            (when, &format!("size = {nines}")),
            (version, &format!("announced = {nines}")),
            (component, &format!("id = '{nines}'")),
        ],
        &expect![""],
    );
}

#[test]
fn an_unknown_field_is_refused_at_every_level_with_those_that_are_known() {
    check(
        &[
            (after_head, "[[versions]]\n[[version]]\neffective = 2026-10-01\n"),
            (version, "effectve = 2026-11-01"),
            (once, "prices = '2'"),
            (once, "round_up = { step = '1', to = '2' }"),
            (tiers, "{ price = '1', upto = '5' }"),
            (vat, "rate = '22', included = true, on = 1"),
            (states, "running = ['RUNNING']"),
        ],
        &expect![""],
    );
    assert!(
        problems(&version("").replace("id = \"b\"", "id = \"b\"\nname = \"b\""))
            .contains("has an unknown field `name`; remove it; the fields are id, currency, timezone, vat")
    );
}

#[test]
fn a_missing_field_is_named() {
    check(
        &[
            (book, ""),
            (whole, HEAD),
            (whole, "[[version]]\neffective = 2026-10-01\n"),
            (after_head, "[[version]]\n"),
            (component, ""),
            (vm, "model = 'hourly_peak'"),
            (vm, "model = 'per_second'\nprice = '1'"),
            (vm, "model = 'per_use'"),
            (tiers, "{ up_to = '5' }, { price = '1' }"),
            (tiers, "{ up_to = '5', price = '1' }, {}"),
            (round_up, "min = '1'"),
            (vat, ""),
            (vat, "rate = '22'"),
        ],
        &expect![""],
    );
}

#[test]
fn a_value_of_another_type_is_refused_with_the_type_to_write() {
    check(
        &[
            (book, "id = 17\ncurrency = 643\ntimezone = 3\nvat = '22'"),
            (whole, "[[book]]\n[[version]]\neffective = 2026-10-01\n"),
            (version, "component = { id = 'x' }"),
            (version, "component = ['x']"),
            (dated, "'2026-10-01'"),
            (dated, "2026"),
            (dated, "2026-10-01T00:00:00+03:00"),
            (dated, "00:00:00"),
            (version, "announced = '2026-08-25'"),
            (version, "[states]\nvm = ['RUNNING']"),
            (states, "active = 'RUNNING'\ninactive = [1]"),
            (vat, "rate = '22', included = 'yes'"),
        ],
        &expect![""],
    );
}

#[test]
fn a_value_of_another_type_is_refused_in_a_component_too() {
    check(
        &[
            (component, "id = 4\nkind = true\nmodel = []\nquantity = 'vcpu'"),
            (component, "id = 'a'\nkind = 'vm'\nmodel = 'once'\nprice = '1'\nquantity = [4]"),
            (vm, "model = 'once'\nprice = 365.25"),
            (vm, "model = 'once'\nprice = 365"),
            (vm, "model = 'per_second'\nprice = '1'\nper = 3600"),
            (vm, "model = 'monthly'\nprice = '1'\nprorate = false"),
            (vm, "model = 'monthly_peak'\nprice = '1'\ngroup_by = ['os']"),
            (once, "round_up = 100"),
            (once, "round_up = { step = 100 }"),
            (once, "when = ['active']"),
            (when, "since = 2026-10-01"),
            (when, "like = { a = 1 }"),
            (when, "like = [['a']]"),
            (calls, "tiers = { price = '1' }"),
            (calls, "tiers = ['1']\ntier_mode = 1"),
            (tiers, "{ up_to = '1000', price = 0.5 }, { price = '0.3' }"),
        ],
        &expect![""],
    );
}

#[test]
fn an_empty_text_names_nothing() {
    check(
        &[
            (book, "id = ''\ncurrency = ''\ntimezone = ''"),
            (component, "id = ''\nkind = ''\nmodel = ''\nquantity = []"),
            (vm, "model = 'monthly_peak'\nprice = ''\ngroup_by = ''"),
        ],
        &expect![""],
    );
    for text in [
        component("id = 'a'\nkind = 'vm'\nmodel = 'once'\nprice = '1'\nquantity = ['']"),
        states("active = ['']"),
    ] {
        assert_ne!(problems(&text), "accepted");
    }
}

#[test]
fn a_currency_is_three_capital_letters() {
    for currency in ["rub", "RUBL", "РУБ", "R1B", "RU", "₽"] {
        let refusal = format!(
            "3:12 [book]: `currency` is \"{currency}\"; write its ISO 4217 code, three capital letters such as \"RUB\""
        );
        assert_eq!(problems(&version("").replace("RUB", currency)), refusal);
    }
}

#[test]
fn a_time_zone_is_a_name_of_the_zone_database() {
    assert_eq!(problems(&version("").replace("Europe/Moscow", "UTC")), "accepted");
    for zone in ["Moscow", "Europe/Moskva", "+03:00", "UTC+3", "/etc/localtime", "../zone", "Europe"] {
        let refusal = format!(
            "4:12 [book]: `timezone` \"{zone}\" is unknown; write an IANA name such as \"Europe/Moscow\""
        );
        assert_eq!(problems(&version("").replace("Europe/Moscow", zone)), refusal);
    }
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_the_file() {
    let text = r#"[book]
id = "b"
currency = "rub"
timezone = "Moscow"

[states.vm]
active = ["DELETED"]

[[version]]
effective = "2026-10-01"

[[version.component]]
id = "vm.on"
kind = "vm"
model = "per_hour"
quantity = ["a", "b", "c"]

[[version]]
effective = 2026-11-01
notice = 30
"#;
    expect![[r#"
        3:12 [book]: `currency` is "rub"; write its ISO 4217 code, three capital letters such as "RUB"
        4:12 [book]: `timezone` "Moscow" is unknown; write an IANA name such as "Europe/Moscow"
        7:11 [states.vm]: DELETED ends a resource's life and has no class; remove it from the list
        10:13 [[version]]: `effective` is a text; write a date without quotes, such as 2026-10-01
        15:9 [[version]]: component vm.on: model "per_hour" is unknown; write per_second, hourly_peak, monthly, monthly_peak, once or per_use
        16:23 [[version]]: component vm.on: `quantity` is a product of 3 attributes; name at most two
        20:1 [[version]] has an unknown field `notice`; remove it; the fields are effective, announced, vat, component"#]].assert_eq(&problems(text));
}

#[test]
fn a_component_id_stands_once_in_a_version_and_may_stand_in_others() {
    let one = once("");
    let again = &one[one.find("[[version.component]]").unwrap()..];
    expect![[r#"
        14:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own
        21:1 version 2026-10-01: component id "vm.on" stands twice; give each component of a version an id of its own"#]].assert_eq(&problems(&format!("{one}{again}{again}")));
    assert_eq!(problems(&format!("{one}[[version]]\neffective = 2026-11-01\n{again}")), "accepted");
}

#[test]
fn versions_stand_in_the_order_of_their_dates() {
    fn versions(dates: &str) -> String {
        let version = |date: &str| format!("[[version]]\neffective = {date}\n");
        after_head(&dates.split(' ').map(version).collect::<String>())
    }
    good(versions, &["2026-10-01 2026-10-02", "2026-10-01 2026-10-02 2199-12-31"]);
    check(
        &[(versions, "2026-10-01 2026-10-01"), (versions, "2026-11-01 2026-10-01 2026-12-01")],
        &expect![""],
    );
}

#[test]
fn a_version_begins_in_the_years_1900_to_2199() {
    good(dated, &["1900-01-01", "2199-12-31"]);
    check(
        &[(dated, "0000-01-01"), (dated, "1899-12-31"), (dated, "2200-01-01"), (dated, "9999-12-31")],
        &expect![""],
    );
}

#[test]
fn an_unknown_model_is_refused_with_those_that_are_known() {
    check(
        &[(vm, "model = 'per_hour'\nprice = '1'"), (vm, "model = 'PER_SECOND'\nprice = '1'")],
        &expect![""],
    );
    let toml = vm("model = 'onse'").replace("Moscow", "Moskva");
    assert!(problems(&toml).contains("model \"onse\" is unknown"), "told even where the zone is unknown");
}

#[test]
fn a_field_of_another_model_is_refused() {
    let fields = [
        ("per", "per = 'hour'", "per_second"),
        ("prorate", "prorate = 'day'", "monthly"),
        ("group_by", "group_by = 'os'", "monthly_peak"),
        ("tiers", "tiers = [{ price = '1' }]", "per_use"),
    ];
    for model in ["per_second", "hourly_peak", "monthly", "monthly_peak", "once", "per_use"] {
        for (field, text, owner) in fields.into_iter().filter(|(_, _, owner)| *owner != model) {
            let own = if model == "per_second" { "per = 'hour'\n" } else { "" };
            let problems = problems(&vm(&format!("model = '{model}'\nprice = '1'\n{own}{text}")));
            let refusal =
                format!("`{field}` does not go with model {model}; remove it; it belongs to {owner}");
            assert!(problems.ends_with(&refusal) && problems.lines().count() == 1, "{problems}");
        }
    }
    check(&[(once, "per = 'hour'")], &expect![""]);
}

#[test]
fn an_option_is_one_of_its_names() {
    check(
        &[
            (vm, "model = 'per_second'\nprice = '1'\nper = 'minute'"),
            (vm, "model = 'monthly'\nprice = '1'\nprorate = 'days'"),
            (calls, "tiers = [{ price = '1' }]\ntier_mode = 'flat'"),
        ],
        &expect![""],
    );
}

#[test]
fn a_price_is_a_decimal_below_a_billion_of_at_most_nine_places() {
    good(price, &["0", "0.000000001", "999999999.999999999", "000000000001.50", "365.250000000", "7"]);
    check(
        &[(price, "1000000000"), (price, "0.0000000001"), (price, "365.2500000000"), (price, "-1")],
        &expect![""],
    );
    for bad in
        ["+1", "1e3", "1,5", ".5", "5.", " 1", "1 ", "1_000", "1 000", "0x10", "NaN", "inf", "٣", "1.2.3"]
    {
        let problems = problems(&price(bad));
        assert!(
            problems.contains(&format!("`price` is \"{bad}\"; write a decimal below 10^9")),
            "{problems}"
        );
    }
}

#[test]
fn a_quantity_is_a_product_of_two_attributes_at_most() {
    fn quantity(names: &str) -> String {
        once("").replace("[\"vcpu\"]", names)
    }
    good(quantity, &["[]", "['vcpu', 'ram_gb']", "['vcpu', 'vcpu']"]);
    check(&[(quantity, "['vcpu', 'ram_gb', 'disk_gb']"), (quantity, "['a', 'b', 'c', 'd']")], &expect![""]);
}

#[test]
fn rounding_up_needs_a_positive_step_and_a_minimum_that_is_a_multiple_of_it() {
    good(round_up, &["step = '100', min = '300'", "step = '0.5', min = '2'", "step = '999999999999'"]);
    check(
        &[
            (round_up, "step = '0', min = '0'"),
            (round_up, "step = '100', min = '150'"),
            (round_up, "step = '100', min = '50'"),
            (round_up, "step = '1000000000000'"),
            (round_up, "step = '0.0000000001'"),
            (round_up, "step = '-1'"),
        ],
        &expect![""],
    );
    let min = |fields: &str| read(&round_up(fields)).component(FIRST).round_up.unwrap().min.to_string();
    assert_eq!(min("step = '100'"), "100");
    assert_eq!(min("step = '100', min = '0'"), "0");
}

#[test]
fn tiers_ascend_and_end_open() {
    good(
        tiers,
        &["{ price = '1' }", "{ up_to = '0.5', price = '1' }, { up_to = '1', price = '1' }, { price = '0' }"],
    );
    check(
        &[
            (tiers, ""),
            (tiers, "{ up_to = '5', price = '1' }"),
            (tiers, "{ price = '1' }, { up_to = '5', price = '1' }"),
            (tiers, "{ price = '1' }, { price = '2' }"),
            (tiers, "{ up_to = '5', price = '1' }, { up_to = '5', price = '2' }, { price = '3' }"),
            (tiers, "{ up_to = '5', price = '1' }, { up_to = '4.9', price = '2' }, { price = '3' }"),
            (tiers, "{ up_to = '0', price = '1' }, { price = '3' }"),
            (tiers, "{ up_to = '1000000000000', price = '1' }, { price = '3' }"),
            (tiers, "{ price = '1000000000' }"),
        ],
        &expect![""],
    );
}

#[test]
fn tiers_and_a_price_contradict_each_other_and_a_mode_needs_tiers() {
    check(
        &[
            (calls, "price = '1'\ntiers = [{ price = '1' }]"),
            (calls, "price = '1'\ntier_mode = 'volume'"),
            (calls, "tier_mode = 'volume'"),
        ],
        &expect![""],
    );
}

#[test]
fn tiers_are_graduated_unless_the_book_says_volume() {
    let mode = |field: &str| match model(&calls(&format!("tiers = [{{ price = '1' }}]\n{field}"))) {
        Model::Tiered(tiers) => tiers.mode,
        other => panic!("{other:?}"),
    };
    assert_eq!(mode(""), TierMode::Graduated);
    assert_eq!(mode("tier_mode = 'graduated'"), TierMode::Graduated);
    assert_eq!(mode("tier_mode = 'volume'"), TierMode::Volume);
}

#[test]
fn a_month_is_prorated_by_the_day_unless_the_book_says_otherwise() {
    let prorate = |field: &str| match model(&vm(&format!("model = 'monthly'\nprice = '1'\n{field}"))) {
        Model::Monthly { prorate, .. } => prorate,
        other => panic!("{other:?}"),
    };
    assert_eq!(prorate(""), Prorate::Day);
    assert_eq!(prorate("prorate = 'day'"), Prorate::Day);
    assert_eq!(prorate("prorate = 'second'"), Prorate::Second);
    assert_eq!(prorate("prorate = 'none'"), Prorate::None);
}

#[test]
fn a_condition_on_the_state_names_a_class_and_belongs_to_models_of_state() {
    good(when, &["", "state = 'active'", "state = ['active', 'inactive']"]);
    good(calls, &["price = '1'\nwhen = { region = 'msk-1' }"]);
    check(
        &[
            (when, "state = 'RUNNING'"),
            (when, "state = 'inherit'"),
            (when, "state = ['active', 'Active']"),
            (when, "state = 1"),
            (when, "state = []"),
            (when, "os = []"),
            (calls, "price = '1'\nwhen = { state = 'active' }"),
            (calls, "tiers = [{ price = '1' }]\nwhen = { state = 'active' }"),
        ],
        &expect![""],
    );
}

#[test]
fn a_number_of_a_condition_is_compared_as_a_number_and_the_rest_as_text() {
    let any_of = |values: &str| {
        let write = |value: &Value| match value {
            Value::Number(number) => format!("number {number}"),
            Value::Text(text) => format!("text {text}"),
            Value::Nested => panic!("nested"),
        };
        let book = read(&when(&format!("size = {values}")));
        book.component(FIRST).when[0].any_of.iter().map(write).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(any_of("4"), "number 4");
    assert_eq!(
        any_of("['4.0', 4.5, +4, 1e2, 1_000, -4]"),
        "number 4, number 4.5, number 4, number 100, number 1000, number -4"
    );
    assert_eq!(any_of("['large', '-4', '4 GB', '']"), "text large, text -4, text 4 GB, text ");
    assert_eq!(any_of("[true, 'true']"), "text true, text true");
}

#[test]
fn a_number_of_a_condition_that_no_event_can_have_is_refused() {
    check(&[(when, "size = 1000000000000"), (when, "size = [4, 1e12]"), (when, "size = inf")], &expect![""]);
}

#[test]
fn a_state_stands_in_one_list_and_deleted_in_none() {
    good(states, &["", "active = []\ninactive = []\ninherit = []", "active = ['Deleted', 'deleted']"]);
    check(
        &[
            (states, "active = ['ON']\ninactive = ['ON']"),
            (states, "inherit = ['ON']\nactive = ['OFF', 'ON']"),
            (states, "inherit = ['DELETED']"),
        ],
        &expect![""],
    );
    assert_ne!(problems(&states("active = ['ON', 'ON']")), "accepted");
}

/// What each state means for a VM, where the book has these lists.
fn meanings(lists: &str) -> String {
    meanings_of("vm", lists)
}

fn meanings_of(kind: &str, lists: &str) -> String {
    let book = read(&states(lists));
    let states = ["RUNNING", "STOPPING", "REBOOTING", "STOPPED", "STARTING", "TERMINATING", "ODD", "DELETED"];
    let all_that = |name: &str, meaning| {
        let those =
            states.into_iter().filter(|state| book.meaning(kind, state) == meaning).collect::<Vec<_>>();
        format!("{name}: [{}]\n", those.join(" "))
    };
    all_that("active", StateMeaning::Class(Some(Class::Active)))
        + &all_that("inactive", StateMeaning::Class(Some(Class::Inactive)))
        + &all_that("inherit", StateMeaning::Inherit)
        + &all_that("none", StateMeaning::Class(None))
        + &all_that("deleted", StateMeaning::Deleted)
}

#[test]
fn every_kind_has_the_default_states() {
    expect![[r#"
        active: [RUNNING STOPPING REBOOTING]
        inactive: [STOPPED]
        inherit: [STARTING TERMINATING]
        none: [ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings(""));
    assert_eq!(meanings_of("database", "active = ['ODD']"), meanings(""));
}

#[test]
fn a_list_replaces_that_default_list_and_the_other_lists_stay() {
    expect![[r#"
        active: [RUNNING]
        inactive: [STOPPED]
        inherit: [STARTING TERMINATING]
        none: [STOPPING REBOOTING ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("active = ['RUNNING']"));
    expect![[r#"
        active: [RUNNING STOPPING REBOOTING]
        inactive: [STOPPED]
        inherit: []
        none: [STARTING TERMINATING ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("inherit = []"));
}

#[test]
fn a_state_that_is_named_leaves_the_other_default_lists() {
    expect![[r#"
        active: [RUNNING STOPPED STARTING]
        inactive: []
        inherit: [TERMINATING]
        none: [STOPPING REBOOTING ODD]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("active = ['RUNNING', 'STOPPED', 'STARTING']"));
    expect![[r#"
        active: [RUNNING REBOOTING]
        inactive: [STOPPING ODD]
        inherit: [STARTING TERMINATING]
        none: [STOPPED]
        deleted: [DELETED]
    "#]]
    .assert_eq(&meanings("inactive = ['STOPPING', 'ODD']"));
}

#[test]
fn the_version_of_a_month_is_the_one_at_its_start_or_its_first() {
    let version = |date: &str| format!("[[version]]\neffective = {date}\n");
    let book = read(&after_head(&["2026-10-10", "2026-10-20", "2026-12-01"].map(version).concat()));
    let version_of = |month: i8| {
        let month = book.calendar().month(jiff::civil::date(2026, month, 1)).unwrap();
        book.version_of_month(&month).map(|version| book.versions()[version].effective.to_string())
    };
    assert_eq!(version_of(9), None);
    assert_eq!(version_of(10).as_deref(), Some("2026-10-10"));
    assert_eq!(version_of(11).as_deref(), Some("2026-10-20"));
    assert_eq!(version_of(12).as_deref(), Some("2026-12-01"));
}

#[test]
fn a_version_is_in_force_from_its_local_midnight_to_that_of_the_next() {
    let book = read(&version("[[version]]\neffective = 2026-11-01"));
    let midnight = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
    assert_eq!(
        book.in_force(0),
        midnight("2026-10-01T00:00:00+03:00")..midnight("2026-11-01T00:00:00+03:00")
    );
    assert_eq!(book.in_force(1), midnight("2026-11-01T00:00:00+03:00")..i64::MAX);
}

#[test]
fn of_several_rates_of_vat_the_nearest_holds() {
    let vat = |of_book: &str, of_version: &str, of_component: &str| {
        let toml =
            once(of_component).replace("[[version]]", &format!("{of_book}\n[[version]]\n{of_version}"));
        let written = |vat: Vat| {
            let rate = vat.rate.map_or_else(|| "none".to_owned(), |rate| rate.to_string());
            format!("{rate} {}", if vat.included { "included" } else { "on top" })
        };
        read(&toml).vat(FIRST).map(written)
    };
    let (ten, twenty) =
        ("vat = { rate = '10', included = true }\n", "vat = { rate = '20.5', included = false }\n");
    let none = "vat = { rate = 'none' }\n";
    assert_eq!(vat("", "", ""), None);
    assert_eq!(vat(ten, "", "").as_deref(), Some("10 included"));
    assert_eq!(vat(ten, twenty, "").as_deref(), Some("20.5 on top"));
    assert_eq!(vat(ten, "", twenty).as_deref(), Some("20.5 on top"));
    assert_eq!(vat("", twenty, ten).as_deref(), Some("10 included"));
    assert_eq!(vat(ten, twenty, none).as_deref(), Some("none included"));
    assert_eq!(vat(ten, none, "").as_deref(), Some("none included"));
}

#[test]
fn a_rate_of_vat_is_a_decimal_or_none() {
    good(vat, &["rate = '0', included = false", "rate = 'none'", "rate = '22.5', included = true"]);
    for rate in ["None", "-1", "22%", "1000", "0.0000000001"] {
        let problems = problems(&vat(&format!("rate = '{rate}', included = true")));
        assert!(
            problems.starts_with(&format!("7:16 version 2026-10-01: `vat`: `rate` is \"{rate}\"; ")),
            "{problems}"
        );
    }
}

#[test]
fn a_column_counts_characters_from_one() {
    assert_eq!(line_and_column("", 0), (1, 1));
    assert_eq!(line_and_column("цена = 1\nx", 9), (1, 6));
    assert_eq!(line_and_column("a\r\nb", 3), (2, 1));
    assert_eq!(line_and_column("a\n", 2), (2, 1));
    assert_eq!(line_and_column("a", 99), (1, 2));
    assert_eq!(line_and_column("ц", 1), (1, 2), "within a character it is the end");
}
