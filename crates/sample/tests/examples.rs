//! The price books of `examples/` are valid, and `sample.toml` prices all that a sample emits.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use kopeck_rating::event::{Description, Envelope, Value};
use kopeck_rating::price_book::{Component, PriceBook, StateMeaning};
use kopeck_sample::{Options, Sample};

/// The names and texts of the books, in the order of their names.
fn examples() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path());
    let mut books = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        // The plan is for `kopeck estimate`, whose tests read it.
        .filter(|path| !path.ends_with("plan.toml"))
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap_or_default()))
        .collect::<Vec<_>>();
    books.sort();
    books
}

/// What a component asks of an event that it prices and does not find there.
fn lacking<'a>(component: &'a Component, data: &Description) -> Option<&'a str> {
    let is_number = |name: &str| matches!(data.attribute(name), Some(Value::Number(_)));
    component.quantity.iter().map(String::as_str).find(|name| !is_number(name))
}

#[test]
fn the_price_books_of_the_examples_are_valid() {
    let books = examples();
    assert_eq!(books.len(), 5);
    for (name, text) in books {
        let book = PriceBook::read(&text).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
        assert_eq!(name.rsplit('/').next(), Some(format!("{}.toml", book.id()).as_str()));
    }
}

#[test]
fn the_versions_of_the_examples_are_announced_thirty_days_before_they_hold() {
    for (name, text) in examples() {
        for version in PriceBook::read(&text).unwrap().versions() {
            let announced = version.announced.unwrap();
            let notice = announced.until(version.effective).unwrap().get_days();
            assert!(notice >= 30, "{name}: {} was announced {announced}", version.effective);
        }
    }
}

#[test]
fn the_sample_book_prices_every_event_of_a_sample_and_finds_all_quantities() {
    let (_, text) = examples().into_iter().find(|(name, _)| name.ends_with("sample.toml")).unwrap();
    let book = PriceBook::read(&text).unwrap();
    let mut sample = Sample::new(&Options { vms: 200, days: 62, ..Options::default() }).unwrap();
    let (mut line, mut used) = (Vec::new(), BTreeSet::new());
    while sample.next_line(&mut line) {
        let event = Envelope::read(&line).unwrap();
        let data = Description::read(event.event_type, event.data).unwrap();
        let class = match data.state.as_deref().map(|state| book.meaning(&data.kind, state)) {
            // The class of the first two depends on what was before.
            Some(StateMeaning::Deleted | StateMeaning::Inherit) => continue,
            Some(StateMeaning::Class(class)) => class,
            None => None,
        };
        let (mut priced, shown) = (false, String::from_utf8_lossy(&line));
        for (_, component) in book.components() {
            if component.kind == data.kind && component.matches(&data, class) {
                assert_eq!(component.model.meters_states(), data.state.is_some(), "{} {shown}", component.id);
                assert_eq!(lacking(component, &data), None, "{} {shown}", component.id);
                used.insert(component.id.clone());
                priced = true;
            }
        }
        assert!(priced, "{shown}");
    }
    let all = book.components().map(|(_, component)| component.id.clone()).collect::<BTreeSet<_>>();
    assert_eq!(used, all, "each component prices something");
}
