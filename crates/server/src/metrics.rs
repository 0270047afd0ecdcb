//! What is counted, for OpenMetrics.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// What is counted of a running server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Histogram>,
    /// Connections that are open.
    pub connections: Gauge,
    /// Requests that are being answered.
    pub in_flight: Gauge,
    /// The number of the last record of the ledger.
    pub records: Gauge,
    events: Family<OutcomeLabels, Histogram>,
    /// Events that are durable and not settled.
    pub backlog: Gauge,
    /// The number of the last event that is durable.
    pub logged: Gauge,
    /// The number of the last event that is settled: in spend, in the ledger, in balances.
    pub settled: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

/// Seconds, from a millisecond to ten.
const BUCKETS: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// Events of a request.
const SIZES: [f64; 5] = [1.0, 10.0, 100.0, 1_000.0, 10_000.0];

impl Metrics {
    /// Nothing is counted yet.
    #[must_use]
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("kopeck");
        let requests = Family::<RequestLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let (connections, in_flight, records) = (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            requests.clone(),
        );
        registry.register("http_connections", "Connections that are open", connections.clone());
        registry.register("http_requests_in_flight", "Requests that are being answered", in_flight.clone());
        registry.register("ledger_records", "Records of the ledger's journal", records.clone());
        let events = Family::<OutcomeLabels, Histogram>::new_with_constructor(|| Histogram::new(SIZES));
        let backlog = Gauge::default();
        registry.register(
            "ingest_events",
            "Usage events of a request, by what became of them",
            events.clone(),
        );
        registry.register("ingest_backlog", "Events that are durable and not settled", backlog.clone());
        let (logged, settled) = (Gauge::default(), Gauge::default());
        registry.register("ingest_logged", "The number of the last event that is durable", logged.clone());
        registry.register("ingest_settled", "The number of the last event that is settled", settled.clone());
        Metrics { registry, requests, connections, in_flight, records, events, backlog, logged, settled }
    }

    /// Where others register what they count.
    pub fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    /// A request was answered.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = RequestLabels { method: method.to_owned(), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Events were answered.
    pub fn ingested(&self, accepted: u64, duplicates: u64, refused: usize) {
        let refused = u64::try_from(refused).unwrap_or(u64::MAX);
        for (outcome, count) in [("accepted", accepted), ("duplicate", duplicates), ("refused", refused)] {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            if count > 0 {
                self.events.get_or_create(&OutcomeLabels { outcome }).observe(f64::from(count));
            }
        }
    }

    /// All of it, as OpenMetrics text.
    ///
    /// # Errors
    /// Where a metric can not be written.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut written = String::new();
        text::encode(&mut written, &self.registry)?;
        Ok(written)
    }
}

/// OpenMetrics text in Prometheus' older format, which names the family of a counter like its samples.
#[must_use]
pub fn in_older_format(text: &str) -> String {
    let is_counter = |name: &str| text.contains(&format!("# TYPE {name} counter\n"));
    let mut older = String::with_capacity(text.len());
    for line in text.lines().filter(|line| !line.starts_with("# UNIT") && *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what @ ("HELP" | "TYPE")), Some(name), Some(rest)) if is_counter(name) => {
                older += &format!("# {what} {name}_total {rest}\n");
            }
            _ => {
                older += line;
                older.push('\n');
            }
        }
    }
    older
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_format_names_counters_like_their_samples_and_has_no_units() {
        let text = "# HELP a_b Some.\n# TYPE a_b counter\na_b_total{x=\"1\"} 3\n\
                    # HELP c_seconds Time.\n# TYPE c_seconds gauge\n# UNIT c_seconds seconds\nc_seconds 1\n# EOF\n";
        let older = "# HELP a_b_total Some.\n# TYPE a_b_total counter\na_b_total{x=\"1\"} 3\n\
                     # HELP c_seconds Time.\n# TYPE c_seconds gauge\nc_seconds 1\n";
        assert_eq!(in_older_format(text), older);
    }
}
