//! Plain clouds to measure by: every VM the same, every meter the same, and the price books for them.
//!
//! A realistic sample says how fast a cloud is rated; these say what one VM, one event or one component more costs.
//! Nothing is drawn: the same numbers give the same lines.

use std::fmt::Write as _;

/// Events of each VM in [`vm_month`].
pub const EVENTS_A_VM: u32 = 10;

/// A price book with four components for VMs: three of running ones and one of stopped ones.
#[must_use]
pub fn vm_book() -> String {
    let component = |id: &str, class: &str, quantity: &str| {
        format!(
            "[[version.component]]\nid = \"{id}\"\nkind = \"vm\"\nwhen = {{ state = \"{class}\" }}\n\
             model = \"per_second\"\nquantity = [{quantity}]\nprice = \"365.25\"\nper = \"month\"\n"
        )
    };
    let active = ["vcpu", "ram_gb", "disk_gb"].map(|name| component(name, "active", &format!("\"{name}\"")));
    format!("{BOOK_HEAD}{}{}", active.concat(), component("stopped", "inactive", ""))
}

const BOOK_HEAD: &str = "[book]\nid = \"plain\"\ncurrency = \"RUB\"\ntimezone = \"Europe/Moscow\"\n\
                         [[version]]\neffective = 2026-01-01\n";

/// The lines of a VM in October 2026, in order: it starts and stops every three days.
#[must_use]
pub fn vm_month(vm: u32) -> String {
    let mut lines = String::new();
    for number in 0..EVENTS_A_VM {
        let state = if number % 2 == 0 { "RUNNING" } else { "STOPPED" };
        // Writing to a text can not fail.
        let _ = writeln!(
            lines,
            "{{\"specversion\":\"1.0\",\"id\":\"{vm}-{number}\",\"source\":\"plain://1\",\"type\":\"kopeck.state.v1\",\
             \"subject\":\"vm-{vm}\",\"time\":\"2026-10-{:02}T{:02}:00:00+03:00\",\"project\":\"p{}\",\"data\":{{\
             \"kind\":\"vm\",\"state\":\"{state}\",\"attributes\":{{\"vcpu\":4,\"ram_gb\":8,\"disk_gb\":80}}}}}}",
            number * 3 + 1,
            vm % 24,
            vm % 100,
        );
    }
    lines
}

/// A price book with so many components, each of a meter of its own.
#[must_use]
pub fn meter_book(meters: usize) -> String {
    let mut book = BOOK_HEAD.to_owned();
    for number in 0..meters {
        // Writing to a text can not fail.
        let _ = write!(
            book,
            "[[version.component]]\nid = \"m{number}\"\nkind = \"meter\"\nwhen = {{ meter_id = \"m{number}\", unit = \"h\" }}\n\
             model = \"per_use\"\nquantity = [\"hours\"]\nprice = \"1.5\"\n"
        );
    }
    book
}

/// The lines of so many uses, in turn of as many meters of [`meter_book`], each `step` after the one before.
#[must_use]
pub fn meter_uses(uses: usize, meters: usize, step: usize) -> String {
    let mut lines = String::new();
    for number in 0..uses {
        let meter = number % meters.max(1) * step;
        // Writing to a text can not fail.
        let _ = writeln!(
            lines,
            "{{\"specversion\":\"1.0\",\"id\":\"{number}\",\"source\":\"plain://1\",\"type\":\"kopeck.usage.v1\",\
             \"subject\":\"s{}\",\"time\":\"2026-10-05T10:00:00+03:00\",\"project\":\"p\",\"data\":{{\
             \"kind\":\"meter\",\"attributes\":{{\"meter_id\":\"m{meter}\",\"unit\":\"h\",\"hours\":{number}}}}}}}",
            number % 10,
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use kopeck_rating::charge::Window;
    use kopeck_rating::price_book::PriceBook;
    use kopeck_rating::rate::{Origin, Rater};

    /// How many charges October has.
    fn charges(book: &str, lines: String) -> usize {
        let book = PriceBook::read(book).unwrap();
        let [from, to] = [jiff::civil::date(2026, 10, 1), jiff::civil::date(2026, 11, 1)];
        let mut rater = Rater::new(&book, Window::new(book.calendar(), from, to, None).unwrap()).unwrap();
        let batch = rater.reader().read(lines.into_bytes(), Origin { file: 0, line: 1 });
        rater.take(batch, |_, outcome| assert!(outcome.is_ok())).unwrap();
        rater.finish().unwrap().bill.charges.len()
    }

    #[test]
    fn all_that_is_written_is_priced() {
        assert_eq!(charges(&vm_book(), (0..30).map(vm_month).collect()), 30 * 4);
        assert_eq!(charges(&meter_book(100), meter_uses(200, 10, 10)), 10);
    }
}
