//! A real cluster.

use kopeck_connect::convert::{Options, Source};

use crate::check::{as_state, convert, hours, quantity, read, shared};

#[test]
fn a_real_cluster_comes_to_the_hours_of_the_reference() {
    let Some(log) = shared("slurm-sacct/phillips.log") else { return };
    let outcome = convert(Source::Slurm, &log, &Options::default());
    assert_eq!(outcome.refusals, []);
    assert_eq!((outcome.summary.records, outcome.summary.events), (4_285, 4_046));
    assert_eq!(outcome.summary.skipped_as["jobs that never started"], 239);
    let (mut cores, mut gpus) = (0, 0);
    for line in outcome.output.lines() {
        let (_, data) = read(line);
        cores += quantity(&data, "cores") * quantity(&data, "duration_s");
        gpus += quantity(&data, "gpus") * quantity(&data, "duration_s");
    }
    assert_eq!((hours(cores), hours(gpus)), ("11767.9883".to_owned(), "506.9128".to_owned()));

    // Counted in another way: fields by their places, seconds as the difference of the two local times.
    let (mut other_cores, mut other_gpus) = (0, 0);
    for line in std::str::from_utf8(&log).unwrap().lines() {
        let fields: Vec<&str> = line.split('|').collect();
        let time = |at: usize| fields[at].parse::<jiff::civil::DateTime>().unwrap();
        let seconds = i128::from(time(13).duration_since(time(12)).as_secs());
        other_cores += fields[18].parse::<i128>().unwrap() * seconds;
        if let Some((_, rest)) = fields[22].split_once("gres/gpu=") {
            other_gpus += rest.split(',').next().unwrap().parse::<i128>().unwrap() * seconds;
        }
    }
    assert_eq!((cores, gpus), (other_cores, other_gpus));
}

#[test]
fn the_lives_of_real_jobs_last_as_long_as_their_use() {
    let Some(log) = shared("slurm-sacct/phillips.log") else { return };
    let outcome = convert(Source::Slurm, &log, &as_state());
    assert_eq!((outcome.summary.refused, outcome.summary.events), (0, 2 * 4_046));
    let mut core_nanoseconds = 0;
    let mut running = None;
    for line in outcome.output.lines() {
        let (envelope, data) = read(line);
        match running.take() {
            None => running = Some((envelope.time, quantity(&data, "cores"))),
            Some((since, cores)) => core_nanoseconds += i128::from(envelope.time - since) * cores,
        }
    }
    assert_eq!(hours(core_nanoseconds / kopeck_rating::number::ONE), "11767.9883");
}

#[test]
fn what_real_jobs_asked_for_decodes_to_what_they_got() {
    let Some(log) = shared("slurm-sacct/phillips.log") else { return };
    let text = String::from_utf8(log).unwrap();
    let mut without = String::new();
    for (at, part) in text.split("mem=").enumerate() {
        without.push_str(if at == 0 { part } else { part.split_once(',').unwrap().1 });
    }
    assert!(!without.contains("mem="));
    let recorded = convert(Source::Slurm, text.as_bytes(), &Options::default());
    let decoded = convert(Source::Slurm, without.as_bytes(), &Options::default());
    assert_eq!(recorded.output, decoded.output);
}
