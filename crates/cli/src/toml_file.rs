//! Files that people write in TOML, and their problems: what is wrong, the line with carets under the place, and
//! what to do.

use std::env;
use std::fs;
use std::io::{self, IsTerminal};
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use kopeck_rating::price_book::places::Places;
use kopeck_rating::price_book::read::Problem;

use crate::failure::{Failure, paragraph};

/// Problems of one file beyond this many are counted and not printed.
const MOST_PROBLEMS: usize = 100;
/// Lines are cut to about so many columns.
const WIDTH: usize = 120;
/// A place of more lines than this is shown by its first line.
const MOST_LINES: usize = 4;
/// A place is shown with at most this many bytes of its lines; what is longer is cut around it.
const MOST_BYTES: usize = 4_000;

/// A file that was read.
pub struct TomlFile {
    /// Its path, as messages give it.
    pub path: String,
    /// What it says.
    pub text: String,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The file can not be used.
    Error,
    /// It can, and probably says something that its author did not mean.
    Warning,
}

impl TomlFile {
    /// Reads a file; `what` names it, such as "the price book".
    pub fn read(path: &str, what: &str) -> Result<TomlFile, Failure> {
        let bytes = fs::read(path).map_err(|error| Failure::file(path, &format!("read {what}"), &error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count() + 1;
            let place = format!("{path}:{line}");
            Failure::input(format!("{what} is not valid UTF-8"), Some(&place), "write the file as UTF-8")
        })?;
        Ok(TomlFile { path: path.to_owned(), text })
    }

    /// The failure of a file with these problems.
    pub fn failure(&self, problems: &[Problem]) -> Failure {
        Failure::Input(self.told(Severity::Error, problems))
    }

    /// The problems, in words for standard error, with colours where that is a terminal.
    pub fn told(&self, severity: Severity, problems: &[Problem]) -> String {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colours = io::stderr().is_terminal() && !unwanted;
        let renderer = if colours { Renderer::styled() } else { Renderer::plain() }.term_width(WIDTH);
        let mut places = Places::new(&self.text);
        let shown = problems.iter().take(MOST_PROBLEMS);
        let mut paragraphs: Vec<String> =
            shown.map(|problem| self.paragraph(severity, problem, &renderer, &mut places)).collect();
        if problems.len() > MOST_PROBLEMS {
            paragraphs.push(format!("... and {} more in {}\n", problems.len() - MOST_PROBLEMS, self.path));
        }
        paragraphs.join("\n")
    }

    fn paragraph(
        &self,
        severity: Severity,
        problem: &Problem,
        renderer: &Renderer,
        places: &mut Places<'_>,
    ) -> String {
        let (level, name) = match severity {
            Severity::Error => (Level::ERROR, "error"),
            Severity::Warning => (Level::WARNING, "warning"),
        };
        if problem.span == (0..0) || self.text.is_empty() {
            // Something is missing from the whole file: there is no place to point at.
            return paragraph(name, &problem.reason, Some(&self.path), &problem.remedy);
        }
        let (line, column) = places.of(problem.span.start);
        let title = level.primary_title(problem.reason.as_str());
        let (lines, span) = self.lines_of(&problem.span);
        let snippet = Snippet::source(&self.text[lines.clone()]).line_start(line);
        let snippet = snippet.annotation(AnnotationKind::Primary.span(span));
        let group = if self.starts_a_line(lines.start) {
            title.element(snippet.path(&self.path))
        } else {
            let origin = Origin::path(&self.path).line(line).char_column(column);
            Group::with_title(title).element(origin).element(snippet)
        };
        renderer.render(&[group.element(Level::HELP.message(problem.remedy.as_str()))]) + "\n"
    }

    fn starts_a_line(&self, byte: usize) -> bool {
        byte == 0 || self.text.as_bytes()[byte - 1] == b'\n'
    }

    /// The bytes of the lines that a place stands in, without the last line's end, and the place within them.
    fn lines_of(&self, span: &Range<usize>) -> (Range<usize>, Range<usize>) {
        let text = &self.text;
        let at = text.floor_char_boundary(span.start);
        let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |length| from + length);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let first_end = line_end(at);
        let place_end = text.floor_char_boundary(span.end.min(text.len())).max(at);
        let many = text[at..place_end].matches('\n').count() >= MOST_LINES;
        let place_end = if many { first_end } else { place_end };
        let end = line_end(place_end);
        // Of lines without measure only what is near the place is looked at.
        let start = start.max(text.floor_char_boundary(at.saturating_sub(MOST_BYTES)));
        let end = end.min(text.floor_char_boundary(at + MOST_BYTES)).max(at);
        let end = at.max(start + text[start..end].trim_end_matches('\r').len());
        let place_end = place_end.min(end);
        (start..end, at - start..place_end - start)
    }
}

#[cfg(test)]
mod tests {
    use kopeck_rating::price_book::PriceBook;

    use super::*;

    const BOOK: &str = "[book]\nid = \"бук\"\ncurrency = \"RUB\"\r\ntimezone = \"UTC\"\n\
        [[version]]\neffective = 2026-10-01\n[[version.component]]\nid = \"日本\"\nkind = \"vm\"\n\
        when = { os = [\"a\", 4] }\nmodel = \"per_use\"\nquantity = []\ntiers = [\n { price = \"1\" },\n]\n";

    /// What is told of a text; every place lies in it.
    fn told(text: &str) -> String {
        let file = TomlFile { path: "p.toml".to_owned(), text: text.to_owned() };
        let problems = PriceBook::read(text).err().unwrap_or_default();
        assert!(problems.iter().all(|problem| problem.span.end <= text.len()), "{text}");
        file.told(Severity::Error, &problems)
    }

    #[test]
    fn a_book_that_is_cut_or_garbled_anywhere_is_refused_in_words() {
        assert_eq!(told(BOOK), "");
        for (at, character) in BOOK.char_indices() {
            told(&BOOK[..at]);
            for garbage in ["", "\"", "=", "\u{feff}", "\0", "é", "[", "\n", "1", "\r"] {
                let garbled = [&BOOK[..at], garbage, &BOOK[at + character.len_utf8()..]].concat();
                for line in told(&garbled).lines() {
                    assert!(line.chars().count() < 250, "{line}");
                    assert!(!line.contains(['\0', '\r']), "{line:?}");
                }
            }
        }
    }

    #[test]
    fn any_place_can_be_shown() {
        let file = TomlFile { path: "p.toml".to_owned(), text: BOOK.to_owned() };
        for start in 0..=BOOK.len() + 1 {
            for end in [start, start + 1, start + 7, start + 300] {
                let problem = Problem { span: start..end, reason: "r".to_owned(), remedy: "m".to_owned() };
                assert!(file.told(Severity::Warning, &[problem]).starts_with("warning: r\n"));
            }
        }
    }
}
