//! In which order resources are stopped (guard.md, point 4).

use kopeck_rating::calendar::Second;
use kopeck_rating::price_book::Class;
use kopeck_rating::stops::{AfterStop, Stops};

/// A resource of a project that is to be stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its source and subject.
    pub name: (String, String),
    /// Its kind.
    pub kind: String,
    /// Its class now.
    pub class: Option<Class>,
    /// When its life began.
    pub born: Second,
    /// Whether it is `protected`.
    pub protected: bool,
}

/// The order of those that are not protected; the protected follow in the same order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The newest first.
    #[default]
    NewestFirst,
    /// The oldest first.
    OldestFirst,
}

/// The resources that a stop does something to, in the order in which it is sent to them. Asked again while a project is
/// stopped it tells what was started meanwhile: that is stopped again at once.
#[must_use]
pub fn in_order(resources: Vec<Resource>, order: Order, stops: &Stops) -> Vec<Resource> {
    let mut runs = resources;
    runs.retain(|resource| stops.after(&resource.kind, resource.class) != AfterStop::Same);
    runs.sort_by(|one, other| {
        let by_age = match order {
            Order::NewestFirst => other.born.cmp(&one.born),
            Order::OldestFirst => one.born.cmp(&other.born),
        };
        one.protected.cmp(&other.protected).then(by_age).then_with(|| one.name.cmp(&other.name))
    });
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(subject: &str, born: Second, protected: bool, class: Option<Class>) -> Resource {
        let name = ("cloud".to_owned(), subject.to_owned());
        Resource { name, kind: "vm".to_owned(), class, born, protected }
    }

    fn ordered(order: Order) -> Vec<String> {
        let active = Some(Class::Active);
        let resources = vec![
            resource("old", 1, false, active),
            resource("kept", 5, true, active),
            resource("new", 9, false, active),
            resource("kept too", 2, true, active),
            resource("stopped", 3, false, Some(Class::Inactive)),
            resource("volume", 4, false, None),
        ];
        in_order(resources, order, &Stops::default()).into_iter().map(|resource| resource.name.1).collect()
    }

    #[test]
    fn the_newest_is_stopped_first_and_the_protected_last() {
        assert_eq!(ordered(Order::NewestFirst), ["new", "old", "kept", "kept too"]);
        assert_eq!(ordered(Order::OldestFirst), ["old", "new", "kept too", "kept"]);
    }

    #[test]
    fn what_a_stop_does_nothing_to_is_left_alone() {
        let mut stops = Stops::default();
        stops.set("vm", None);
        let resources = vec![resource("vm", 1, false, Some(Class::Active))];
        assert_eq!(in_order(resources, Order::default(), &stops), []);
    }
}
