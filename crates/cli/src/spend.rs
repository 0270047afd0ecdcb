//! `kopeck spend`: what a project costs at a server, once or live.

use std::io::{self, BufRead, BufReader, Write};

use kopeck_api::spend::{NamedAmount, SpendDocument};

use crate::args::{SpendArgs, TableFormat};
use crate::bill::plain_table;
use crate::books::sorted;
use crate::failure::{Done, Failure};
use crate::remote::{Server, segment};

/// Runs the command.
pub fn run(args: &SpendArgs) -> Result<Done, Failure> {
    let server = Server::open(&args.server)?;
    let path = format!("v1/projects/{}/spend", segment(&args.project));
    let query: Vec<_> = args.month.iter().map(|month| ("month", month.clone())).collect();
    if args.follow {
        return follow(&server, &format!("{path}/stream"), &query, args.format);
    }
    let spend = server.get(&path, &query).map_err(|error| server.failure(error))?;
    print(&spend, args.format)?;
    Ok(Done::Whole)
}

/// Prints each document of a stream of server-sent events, until the server ends it.
fn follow(
    server: &Server,
    path: &str,
    query: &[(&str, String)],
    format: TableFormat,
) -> Result<Done, Failure> {
    let stream = server.stream(path, query).map_err(|error| server.failure(error))?;
    for line in BufReader::new(stream).lines() {
        let line = line.map_err(|error| server.cut(&error))?;
        // A document is one line of data; other lines name the event or keep the connection.
        let Some(data) = line.strip_prefix("data:") else { continue };
        let spend = serde_json::from_str(data).map_err(|error| server.foreign(&error.to_string()))?;
        print(&spend, format)?;
    }
    Err(Failure::input("the server has ended", Some(server.name()), "ask again when it runs"))
}

fn print(spend: &SpendDocument, format: TableFormat) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match format {
        TableFormat::Json => writeln!(out, "{}", sorted(spend))?,
        TableFormat::Table => write_table(spend, &mut out)?,
    }
    Ok(out.flush()?)
}

fn write_table(spend: &SpendDocument, out: &mut dyn Write) -> io::Result<()> {
    let currency = &spend.currency;
    writeln!(out, "Project {} in {}, up to {}\n", spend.project, spend.month, spend.at)?;
    let mut sums = plain_table(&["", "amount", ""], 0);
    sums.add_row(["total", &spend.total, &currency.to_string()]);
    sums.add_row(["posted", &spend.posted, &currency.to_string()]);
    sums.add_row(["accrued", &spend.accrued, &currency.to_string()]);
    sums.add_row(["burn rate", &spend.burn_rate_an_hour, &format!("{currency} an hour")]);
    writeln!(out, "{sums}")?;
    for (what, list) in
        [("component", &spend.by_component), ("kind", &spend.by_kind), ("region", &spend.by_region)]
    {
        write_list(what, list, out)?;
    }
    if !spend.by_resource.is_empty() {
        let mut table = plain_table(&["source", "resource", "amount"], 1);
        for row in &spend.by_resource {
            table.add_row([shown(row.source.as_deref()), shown(row.resource.as_deref()), &row.amount]);
        }
        writeln!(out, "\n{table}")?;
    }
    if !spend.by_day.is_empty() {
        let mut table = plain_table(&["day", "amount"], 1);
        for row in &spend.by_day {
            table.add_row([row.day.to_string(), row.amount.clone()]);
        }
        writeln!(out, "\n{table}")?;
    }
    writeln!(out)
}

fn write_list(what: &str, list: &[NamedAmount], out: &mut dyn Write) -> io::Result<()> {
    if list.is_empty() {
        return Ok(());
    }
    let mut table = plain_table(&[what, "amount"], 1);
    for row in list {
        table.add_row([shown(row.name.as_deref()), &row.amount]);
    }
    writeln!(out, "\n{table}")
}

fn shown(name: Option<&str>) -> &str {
    name.unwrap_or("-")
}
