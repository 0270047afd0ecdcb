use jiff::civil::date;
use proptest::prelude::*;

use super::*;

fn book(announced: &str, before: &[(&str, &str)], after: &[(&str, &str)]) -> PriceBook {
    let components = |list: &[(&str, &str)]| {
        let one = |(id, price): &(&str, &str)| {
            format!(
                "[[version.component]]\nid = '{id}'\nkind = 'vm'\nmodel = 'once'\nquantity = []\nprice = '{price}'\n"
            )
        };
        list.iter().map(one).collect::<String>()
    };
    let toml = format!(
        "[book]\nid = 'b'\ncurrency = 'RUB'\ntimezone = 'Europe/Moscow'\n\
         [[version]]\neffective = 2026-10-01\n{}[[version]]\neffective = 2026-12-01\n{announced}\n{}",
        components(before),
        components(after)
    );
    PriceBook::read(&toml).unwrap()
}

/// The breach as days, earliest date and the components that need notice.
fn told(book: &PriceBook) -> Vec<String> {
    let one = |breach: &Breach<'_>| {
        let ids: Vec<_> = breach.changes.iter().map(|change| change.component().id.as_str()).collect();
        let earliest = breach.earliest.map(|date| date.to_string());
        format!("{:?} {} {}", breach.days, earliest.as_deref().unwrap_or("-"), ids.join(" "))
    };
    breaches(book).iter().map(one).collect()
}

const NOVEMBER_1: &str = "announced = 2026-11-01";
const NOVEMBER_2: &str = "announced = 2026-11-02";

#[test]
fn thirty_days_are_enough_and_twenty_nine_are_not() {
    let raised = |announced| told(&book(announced, &[("a", "1")], &[("a", "2")]));
    assert_eq!(raised(NOVEMBER_1), [""; 0]);
    assert_eq!(raised(NOVEMBER_2), ["Some(29) 2026-12-02 a"]);
    assert_eq!(raised("announced = 2026-12-11"), ["Some(-10) 2027-01-10 a"]);
    assert_eq!(raised("announced = 2199-12-31"), ["Some(-63217) 2200-01-30 a"]);
    assert_eq!(raised(""), ["None - a"]);
}

#[test]
fn lowering_prices_and_removing_components_needs_no_notice() {
    let both = [("a", "2"), ("b", "2")];
    for announced in ["", NOVEMBER_2, "announced = 2027-01-01"] {
        assert_eq!(told(&book(announced, &both, &[("a", "1.99")])), [""; 0]);
        assert_eq!(told(&book(announced, &both, &both)), [""; 0]);
        assert_eq!(told(&book(announced, &both, &[])), [""; 0]);
    }
    assert_eq!(told(&book(NOVEMBER_2, &both, &[("a", "1"), ("b", "2.01")])), ["Some(29) 2026-12-02 b"]);
    assert_eq!(told(&book(NOVEMBER_2, &both, &[("a", "1"), ("c", "0")])), ["Some(29) 2026-12-02 c"]);
}

#[test]
fn the_first_version_is_exempt() {
    let book = book(NOVEMBER_1, &[("a", "1")], &[("a", "2")]);
    assert!(breach(&book, 0, None).is_none());
    assert!(breach(&book, 0, Some(date(2030, 1, 1))).is_none());
    assert!(breach(&book, 7, None).is_none());
}

proptest! {
    #[test]
    fn the_earliest_date_would_do_and_the_day_before_would_not(days in -400_i32..400) {
        let book = book("", &[("a", "1")], &[("a", "2")]);
        let announced = date(2026, 12, 1).checked_sub(Span::new().days(days)).unwrap();
        match breach(&book, 1, Some(announced)) {
            None => prop_assert!(days >= 30),
            Some(breach) => {
                prop_assert_eq!(breach.days, Some(i64::from(days)));
                let earliest = breach.earliest.unwrap();
                prop_assert_eq!(announced.until((Unit::Day, earliest)).unwrap().get_days(), 30);
                prop_assert!(earliest > date(2026, 12, 1));
            }
        }
    }
}
