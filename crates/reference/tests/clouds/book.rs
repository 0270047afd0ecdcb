//! Random price books: all models with all their options, in one to three versions.

use std::fmt::Write as _;

use jiff::ToSpan;
use jiff::civil::Date;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

use super::Taste;
use super::events::STATES;

/// The texts of a list from which one is chosen.
type Texts = &'static [&'static str];

const PRICES: Texts =
    &["1", "0", "365.25", "1450.00", "0.000001", "0.0000005", "0.333333333", "999999999.999999999"];
const LARGEST_PRICES: Texts = &["999999999.999999999"];
const PER_SECOND: Texts = &["per = \"second\"", "per = \"hour\"", "per = \"day\"", "per = \"month\""];
const PRORATE: Texts = &["", "prorate = \"day\"", "prorate = \"second\"", "prorate = \"none\""];
const GROUP_BY: Texts = &[
    "",
    "group_by = \"rack\"",
    "group_by = \"tier\"",
    "group_by = \"region\"",
    "group_by = \"state\"",
    "group_by = \"a\"",
    "group_by = \"absent\"",
];
const QUANTITIES: Texts =
    &["[]", "[\"a\"]", "[\"a\"]", "[\"a\", \"b\"]", "[\"b\"]", "[\"a\", \"a\"]", "[\"absent\"]"];
const LARGEST_QUANTITIES: Texts = &["[\"a\", \"b\"]", "[\"a\"]"];
const ROUND_UP: Texts = &[
    "{ step = \"1\" }",
    "{ step = \"100\", min = \"100\" }",
    "{ step = \"0.5\", min = \"2.5\" }",
    "{ step = \"3\", min = \"0\" }",
    "{ step = \"0.000000007\" }",
    "{ step = \"999999999999.999999999\" }",
];
const LARGEST_ROUND_UP: Texts = &["{ step = \"999999999999.999999999\" }", "{ step = \"0.000000007\" }"];
const BOUNDS: &[u64] = &[1, 2, 10, 100, 1_000, 999_999_999_999];
const WHEN_STATE: Texts = &["\"active\"", "\"inactive\"", "[\"active\", \"inactive\"]"];
const WHEN_REGION: Texts = &["\"r1\"", "[\"r2\", \"r1\"]", "4", "\"4.0\"", "[\"r2\", 4]"];
const WHEN_TIER: Texts =
    &["\"ssd\"", "[\"hdd\", \"ssd\"]", "4", "4.00", "\"4.0\"", "true", "\"true\"", "[4.5, \"hdd\"]", "4e0"];
const WHEN_A: Texts = &["2", "[0, 1, 2, 3]", "\"four\"", "0.12345679"];
const KINDS: Texts = &["vm", "vm", "vm", "vm", "disk", "cost"];
const KINDS_OF_USAGE: Texts = &["call", "call", "cost", "cost", "vm"];
/// Days from the scene's to a version.
const EFFECTIVE: &[i64] = &[-80, -80, -80, -80, -20, -2, -1, 0, 1, 2, 6, 20];

/// A price book before it is written.
#[derive(Debug, Clone)]
pub struct BookPlan {
    states: Vec<(&'static str, StatesPlan)>,
    components: Vec<ComponentPlan>,
    versions: Vec<(i64, Vec<Change>)>,
}

/// The list that each state is in, 3 being none, and whether each list is given.
#[derive(Debug, Clone)]
struct StatesPlan {
    list: Vec<usize>,
    given: [bool; 3],
}

/// What a version makes of a component.
#[derive(Debug, Clone)]
enum Change {
    Keep,
    Price(&'static str),
    Drop,
    Replace(ComponentPlan),
}

#[derive(Debug, Clone)]
struct ComponentPlan {
    kind: &'static str,
    model: ModelPlan,
    price: &'static str,
    quantity: &'static str,
    round_up: Option<&'static str>,
    state: Option<&'static str>,
    region: Option<&'static str>,
    tier: Option<&'static str>,
    a: Option<&'static str>,
}

#[derive(Debug, Clone)]
enum ModelPlan {
    /// A model that is priced by one price, and its options.
    Flat(&'static str, &'static str),
    Tiered {
        bounds: Vec<u64>,
        prices: Vec<&'static str>,
        volume: bool,
    },
}

impl BookPlan {
    /// Any book of up to eight components.
    pub fn any(taste: Taste) -> impl Strategy<Value = BookPlan> {
        let states = prop_oneof![
            2 => Just(Vec::new()),
            1 => vec((select(&["vm", "disk"]), StatesPlan::any()), 1..=2),
        ];
        let components = vec(ComponentPlan::any(taste), 1..=8);
        let versions = vec((select(EFFECTIVE), vec(Change::any(taste), 8)), 1..=3);
        (states, components, versions).prop_map(|(states, components, mut versions)| {
            versions.sort_by_key(|(days, _)| *days);
            versions.dedup_by_key(|(days, _)| *days);
            BookPlan { states, components, versions }
        })
    }

    /// The book in TOML, for a scene of that zone and day.
    pub fn write(&self, zone: &str, day: Date) -> String {
        let mut toml = format!("[book]\nid = \"cloud\"\ncurrency = \"RUB\"\ntimezone = \"{zone}\"\n");
        for (number, (kind, states)) in self.states.iter().enumerate() {
            if self.states[..number].iter().all(|(other, _)| other != kind) {
                states.write(kind, &mut toml);
            }
        }
        let mut components: Vec<Option<ComponentPlan>> = self.components.iter().cloned().map(Some).collect();
        for (days, changes) in &self.versions {
            writeln!(toml, "\n[[version]]\neffective = {}", day + days.days()).unwrap();
            for (number, (component, change)) in components.iter_mut().zip(changes).enumerate() {
                change.apply(component, &self.components[number]);
                if let Some(component) = component {
                    component.write(number, &mut toml);
                }
            }
        }
        toml
    }
}

impl StatesPlan {
    fn any() -> impl Strategy<Value = StatesPlan> {
        let list = vec(select(&[0_usize, 0, 1, 2, 3]), STATES.len());
        (list, any::<[bool; 3]>()).prop_map(|(list, given)| StatesPlan { list, given })
    }

    fn write(&self, kind: &str, toml: &mut String) {
        writeln!(toml, "\n[states.{kind}]").unwrap();
        for (number, name) in ["active", "inactive", "inherit"].into_iter().enumerate() {
            let states = STATES.iter().zip(&self.list).filter(|(_, list)| **list == number);
            let states: Vec<String> = states.map(|(state, _)| format!("\"{state}\"")).collect();
            if self.given[number] {
                writeln!(toml, "{name} = [{}]", states.join(", ")).unwrap();
            }
        }
    }
}

impl Change {
    fn any(taste: Taste) -> impl Strategy<Value = Change> {
        prop_oneof![
            5 => Just(Change::Keep),
            2 => select(prices(taste)).prop_map(Change::Price),
            1 => Just(Change::Drop),
            1 => ComponentPlan::any(taste).prop_map(Change::Replace),
        ]
    }

    /// A component that was dropped comes back as it was at first, or as another.
    fn apply(&self, component: &mut Option<ComponentPlan>, at_first: &ComponentPlan) {
        match self {
            Change::Keep => {}
            Change::Price(price) => {
                component.get_or_insert_with(|| at_first.clone()).price = price;
            }
            Change::Drop => *component = None,
            Change::Replace(other) => *component = Some(other.clone()),
        }
    }
}

impl ComponentPlan {
    fn any(taste: Taste) -> impl Strategy<Value = ComponentPlan> {
        let (quantities, round_up) = match taste {
            Taste::Extreme => (LARGEST_QUANTITIES, LARGEST_ROUND_UP),
            _ => (QUANTITIES, ROUND_UP),
        };
        let counts = (select(prices(taste)), select(quantities), weighted(0.25, select(round_up)));
        let when = (
            weighted(0.4, select(WHEN_STATE)),
            weighted(0.1, select(WHEN_REGION)),
            weighted(0.1, select(WHEN_TIER)),
            weighted(0.04, select(WHEN_A)),
        );
        let kinds = (select(KINDS), select(KINDS_OF_USAGE));
        (kinds, ModelPlan::any(taste), counts, when).prop_map(|(kinds, model, counts, when)| {
            let (price, quantity, round_up) = counts;
            let (state, region, tier, a) = when;
            // Usage has no state, and a book that asks for it is refused.
            let state = state.filter(|_| !model.meters_usage());
            let kind = if model.meters_usage() { kinds.1 } else { kinds.0 };
            ComponentPlan { kind, model, price, quantity, round_up, state, region, tier, a }
        })
    }

    fn write(&self, number: usize, toml: &mut String) {
        writeln!(toml, "\n[[version.component]]\nid = \"c{number}\"\nkind = \"{}\"", self.kind).unwrap();
        self.model.write(self.price, toml);
        writeln!(toml, "quantity = {}", self.quantity).unwrap();
        let conditions = [("state", self.state), ("region", self.region), ("tier", self.tier), ("a", self.a)];
        let conditions =
            conditions.into_iter().filter_map(|(name, values)| Some(format!("{name} = {}", values?)));
        let conditions: Vec<String> = conditions.collect();
        if !conditions.is_empty() {
            writeln!(toml, "when = {{ {} }}", conditions.join(", ")).unwrap();
        }
        if let Some(round_up) = self.round_up {
            writeln!(toml, "round_up = {round_up}").unwrap();
        }
    }
}

impl ModelPlan {
    fn any(taste: Taste) -> impl Strategy<Value = ModelPlan> {
        let flat =
            |model, options: Texts| select(options).prop_map(move |options| ModelPlan::Flat(model, options));
        let bounds = prop::collection::btree_set(select(BOUNDS), 0..=3);
        let tiered =
            (bounds, vec(select(prices(taste)), 4), any::<bool>()).prop_map(|(bounds, prices, volume)| {
                ModelPlan::Tiered { bounds: bounds.into_iter().collect(), prices, volume }
            });
        prop_oneof![
            flat("per_second", PER_SECOND),
            flat("hourly_peak", &[""]),
            flat("monthly", PRORATE),
            flat("monthly_peak", GROUP_BY),
            flat("once", &[""]),
            flat("per_use", &[""]),
            tiered,
        ]
    }

    fn meters_usage(&self) -> bool {
        matches!(self, ModelPlan::Flat("per_use", _) | ModelPlan::Tiered { .. })
    }

    fn write(&self, price: &str, toml: &mut String) {
        match self {
            ModelPlan::Flat(model, options) => {
                writeln!(toml, "model = \"{model}\"\nprice = \"{price}\"\n{options}").unwrap();
            }
            ModelPlan::Tiered { bounds, prices, volume } => {
                let tier =
                    |(bound, price): (&u64, _)| format!("{{ up_to = \"{bound}\", price = \"{price}\" }}, ");
                let bounded: String = bounds.iter().zip(prices).map(tier).collect();
                let mode = if *volume { "tier_mode = \"volume\"" } else { "" };
                writeln!(toml, "model = \"per_use\"\ntiers = [{bounded}{{ price = \"{price}\" }}]\n{mode}")
                    .unwrap();
            }
        }
    }
}

fn prices(taste: Taste) -> Texts {
    if taste == Taste::Extreme { LARGEST_PRICES } else { PRICES }
}
