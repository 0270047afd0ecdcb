//! Columns, lines and streams.

use std::io::{self, BufRead, BufReader, Read, Write};

use expect_test::expect;
use kopeck_connect::convert::{Options, Source};

use crate::check::{as_state, convert};
use crate::{FIXTURE, NAMES, job, usage};

#[test]
fn a_header_names_the_columns_in_any_order() {
    let header = "User|Account|Cluster|JobID|State|Start|End|Elapsed|AllocCPUS|AllocTRES|NodeList|JobName";
    let row =
        "anna|geo|birch|17|COMPLETED|2026-10-05T10:00:00|2026-10-05T11:00:00|01:00:00|8|cpu=8,mem=2G|b01|x";
    let other = job(&[("jobid", "18"), ("jobidraw", "18")]);
    let input = format!("{header}\n{row}\n{NAMES}\n{other}");
    usage(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 ram_mb=2048 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2 records, 2 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_bar_at_the_end_of_each_line_is_no_field() {
    let closed = |text: &str| text.replace('\n', "|\n");
    usage(
        closed(&job(&[])),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
    usage(
        closed(&format!("{NAMES}\n{}", job(&[]))),
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn a_header_without_a_column_that_is_billed_refuses_its_lines_until_another_header() {
    let header = NAMES.replace("alloctres", "comment");
    let input = format!("{header}\n{}{}{NAMES}\n{}", job(&[]), job(&[]), job(&[]));
    usage(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        line 2: alloctres: the header of the file does not name this column
          add the column to the --format of sacct
        line 3: alloctres: the header of the file does not name this column
          add the column to the --format of sacct
        3 records, 1 events, 2 refused, skipped {}
    "#]],
    );
}

#[test]
fn broken_lines_are_refused_one_by_one() {
    let mut input = job(&[]).into_bytes();
    input.extend_from_slice(b"17|17|birch\n");
    input.extend_from_slice(b"no bars at all\n\n");
    input.extend_from_slice(job(&[("jobname", "a|b")]).as_bytes());
    input.extend_from_slice(b"17|17|birch|d\xe9jeuner|");
    input.extend_from_slice(job(&[]).split_once("day|").unwrap().1.as_bytes());
    input.extend_from_slice(job(&[("jobname", "?")]).replace('?', "\u{fffd}").as_bytes());
    let latin = job(&[("jobname", "#")]).into_bytes();
    input.extend(latin.into_iter().map(|byte| if byte == b'#' { 0xe9 } else { byte }));
    input.extend_from_slice(job(&[("jobid", "root"), ("jobidraw", "")]).as_bytes());
    input.extend_from_slice(job(&[("cluster", "")]).as_bytes());
    input.extend_from_slice(job(&[("account", "")]).as_bytes());
    input.extend_from_slice(job(&[("ncpus", "many")]).as_bytes());
    input.extend_from_slice(job(&[("ncpus", "9999999999999")]).as_bytes());
    input.extend_from_slice(job(&[("ncpus", "-8")]).as_bytes());
    input.extend_from_slice(job(&[("jobid", "18"), ("user", "")]).as_bytes());
    usage(
        input,
        &expect![[r#"
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2026-10-05T11:00:00Z geo, anna: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        2026-10-05T11:00:00Z geo: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        line 2: 3 fields, not 26
          export the line again; if a job name contains a bar, export without JobName
        line 3: 1 field, not 26
          export the line again; if a job name contains a bar, export without JobName
        line 5: 27 fields, not 26
          export the line again; if a job name contains a bar, export without JobName
        line 6: partition: byte 2 is not valid UTF-8
          write the file as UTF-8, or export without the column
        line 8: jobname: byte 1 is not valid UTF-8
          write the file as UTF-8, or export without the column
        line 9: jobid: "root" is not a job id such as 17 or 17_3
          export the line again, with the columns in the documented order
        line 10: cluster: is empty
          export the column Cluster
        line 11: account: is empty
          give the job an account: it is the project that pays for the job
        line 12: ncpus: "many" is not a whole number of at most 12 digits
          export it as a plain number
        line 13: ncpus: "9999999999999" is not a whole number of at most 12 digits
          export it as a plain number
        line 14: ncpus: "-8" is not a whole number of at most 12 digits
          export it as a plain number
        14 records, 3 events, 11 refused, skipped {}
    "#]],
    );
}

#[test]
fn quotes_and_control_characters_are_plain_text() {
    let odd = job(&[("account", "\"geo"), ("user", "an\u{1}na\\"), ("jobname", "\"")]);
    usage(
        &odd,
        &expect![[r#"
        2026-10-05T11:00:00Z "geo, anna\: job birch cores=8 duration_s=3600 gpus=0 partition=day qos=normal ram_mb=2000 state=COMPLETED
        1 records, 1 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn an_empty_file_has_no_records() {
    let nothing = expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]];
    for empty in ["", "\n", "\r\n\n", "\u{feff}"] {
        usage(empty, &nothing);
    }
    usage(
        NAMES,
        &expect![[r#"
        0 records, 0 events, 0 refused, skipped {}
    "#]],
    );
}

#[test]
fn line_ends_a_byte_order_mark_and_a_missing_last_line_end_change_nothing() {
    let plain = convert(Source::Slurm, FIXTURE, &Options::default());
    let text = std::str::from_utf8(FIXTURE).unwrap();
    for same in [text.replace('\n', "\r\n"), text.trim_end().to_owned(), format!("\u{feff}{text}")] {
        let other = convert(Source::Slurm, same.as_bytes(), &Options::default());
        assert_eq!(other.output, plain.output);
        assert_eq!(other.refusals, plain.refusals);
        assert_eq!(other.summary, plain.summary);
    }
}

#[test]
fn an_endless_line_is_refused_without_being_kept() {
    let after = job(&[]);
    let endless = io::repeat(b'|').take(20 << 20).chain(&b"\n"[..]).chain(after.as_bytes());
    let mut refusals = Vec::new();
    let mut output = Vec::new();
    let summary = Source::Slurm
        .convert(&mut BufReader::new(endless), &mut output, &Options::default(), &mut |refused| {
            refusals.push(refused.to_string());
        })
        .unwrap();
    assert_eq!((summary.records, summary.events), (2, 1));
    expect!["line 1: the line is longer than 65536 bytes"].assert_eq(&refusals.join("\n"));
}

#[test]
fn the_longest_line_is_converted_and_its_event_accepted() {
    let without = job(&[("account", "")]).trim_end().len();
    let longest = |length: usize| job(&[("account", &"\u{1}".repeat(length - without))]);
    let outcome = convert(Source::Slurm, longest(1 << 16).as_bytes(), &as_state());
    assert_eq!((outcome.summary.events, outcome.summary.refused), (2, 0));
    let crlf = longest(1 << 16).replace('\n', "\r\n");
    assert_eq!(convert(Source::Slurm, crlf.as_bytes(), &as_state()).summary.refused, 0);
    let longer = convert(Source::Slurm, longest((1 << 16) + 1).as_bytes(), &as_state());
    assert_eq!((longer.summary.events, longer.summary.refused), (0, 1));
}

/// Fails after what it holds.
struct Broken<'a>(&'a [u8]);

impl Read for Broken<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::Error::other("the tape tore")),
            count => Ok(count),
        }
    }
}

impl Write for Broken<'_> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is full"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn failures_of_reading_and_writing_are_handed_on() {
    let fails = |input: &mut dyn BufRead, output: &mut dyn Write| {
        Source::Slurm.convert(input, output, &Options::default(), &mut |_| {}).unwrap_err().to_string()
    };
    let mut output = Vec::new();
    assert_eq!(fails(&mut BufReader::new(Broken(FIXTURE)), &mut output), "the tape tore");
    assert!(!output.is_empty());
    assert_eq!(fails(&mut &FIXTURE[..], &mut Broken(b"")), "the disk is full");
}

#[test]
fn summaries_of_several_files_add_up() {
    let mut summary = convert(Source::Slurm, FIXTURE, &Options::default()).summary;
    summary += convert(Source::Slurm, FIXTURE, &Options::default()).summary;
    assert_eq!(summary, convert(Source::Slurm, &FIXTURE.repeat(2), &Options::default()).summary);
}

#[test]
fn sources_are_known_by_name() {
    for source in Source::ALL {
        assert_eq!(Source::named(source.name()), Some(source));
    }
    assert_eq!(Source::named("torque"), None);
}
