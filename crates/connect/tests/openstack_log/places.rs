//! Where records were made: regions and clouds.

use std::collections::BTreeSet;

use kopeck_connect::convert::{Options, Source};

use crate::check::{convert, read};
use crate::{instance, volume};

/// The sources and regions of the events of a log whose volume names its region and whose VM does not.
fn check(region: Option<&str>, cloud: Option<&str>, expected: &[(&str, Option<&str>)]) {
    let log = [
        instance("create.end", "2026-10-05T10:00:01", &[]),
        instance("delete.end", "2026-10-05T11:00:00", &[("state", "deleted")]),
        volume("volume.create.end", "2026-10-05T10:00:03", &[("region", "south")]),
    ];
    let [region, cloud] = [region, cloud].map(|name| name.map(str::to_owned));
    let options = Options { region, cloud, ..Options::default() };
    let outcome = convert(Source::OpenstackLog, log.concat().as_bytes(), &options);
    let places = outcome.output.lines().map(|line| {
        let (event, data) = read(line);
        (event.source.into_owned(), data.region)
    });
    let places: BTreeSet<(String, Option<String>)> = places.collect();
    let owned = |(source, region): &(&str, Option<&str>)| ((*source).to_owned(), region.map(str::to_owned));
    assert_eq!(places, expected.iter().map(owned).collect());
}

#[test]
fn a_region_of_the_options_is_of_records_that_name_none() {
    let south = ("openstack://south", Some("south"));
    check(None, None, &[("openstack://unnamed", None), south]);
    check(Some("north"), None, &[("openstack://north", Some("north")), south]);
    check(Some(""), None, &[("openstack://unnamed", None), south]);
}

#[test]
fn a_cloud_of_the_options_parts_regions_of_one_name() {
    let south = ("openstack://birch-1/south", Some("south"));
    check(None, Some("Birch 1"), &[("openstack://birch-1/unnamed", None), south]);
    check(Some("north"), Some("Birch 1"), &[("openstack://birch-1/north", Some("north")), south]);
}
