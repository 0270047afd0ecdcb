//! Any text as a price book.

use std::ops::Range;

use kopeck_rating::charge::Window;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::price_book::places::Places;

use crate::{NOVEMBER, OCTOBER, engine, reference};

/// A cloud with the largest numbers and the plainest names.
const CLOUD: &str = include_str!("../books/cloud.jsonl");

/// Whatever the text says: its problems are within it, and a book without problems rates a cloud as the reference does.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let book = match PriceBook::read(text) {
        Ok(book) => book,
        Err(problems) => {
            assert!(!problems.is_empty(), "a book is refused for no reason");
            for problem in problems {
                assert!(!problem.reason.is_empty() && !problem.remedy.is_empty());
                check_span(text, &problem.span);
            }
            return;
        }
    };
    for (_, component) in book.components() {
        check_span(text, &component.span);
    }
    let window = Window::new(book.calendar(), OCTOBER, NOVEMBER, None).expect("October is a window");
    assert_eq!(engine(&book, CLOUD, window), reference(&book, CLOUD, window));
}

fn check_span(text: &str, span: &Range<usize>) {
    assert!(text.get(span.clone()).is_some(), "{span:?} is no part of the text");
    let (line, column) = Places::new(text).of(span.start);
    assert!(line >= 1 && column >= 1);
}
