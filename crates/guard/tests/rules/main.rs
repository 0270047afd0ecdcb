//! The rules of guard.md, one by one, in small clouds.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what the scenes are made of is valid")]

mod asked;
mod decided;
mod met;
mod scene;
mod stopped;

/// A virtual machine by the hour, volumes by the second of the month, addresses by the day.
pub const BOOK: &str = r#"
[[version]]
effective = 2026-01-01

[[version.component]]
id = "vm.active"
kind = "vm"
when = { state = "active" }
model = "hourly_peak"
quantity = ["vcpu"]
price = "10"

[[version.component]]
id = "vm.inactive"
kind = "vm"
when = { state = "inactive" }
model = "hourly_peak"
quantity = ["vcpu"]
price = "1"

[[version.component]]
id = "volume"
kind = "volume"
model = "monthly"
prorate = "second"
quantity = ["gb"]
price = "26.784"

[[version.component]]
id = "setup"
kind = "vm"
model = "once"
price = "5"
quantity = []

[[version.component]]
id = "call"
kind = "call"
model = "per_use"
price = "0.25"
quantity = ["n"]
"#;

/// The same book, dearer from 15 November on.
pub fn dearer() -> String {
    let second = BOOK.replace("2026-01-01", "2026-11-15").replace("price = \"10\"", "price = \"20\"");
    format!("{BOOK}{second}")
}
