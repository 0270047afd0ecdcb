//! Any bytes as lines of events.

use std::sync::LazyLock;

use kopeck_rating::charge::Window;
use kopeck_rating::keys::Accepted;
use kopeck_rating::price_book::PriceBook;
use kopeck_rating::rate::Rater;

use crate::{NOVEMBER, OCTOBER, take};

static BOOK: LazyLock<PriceBook> = LazyLock::new(|| {
    PriceBook::read(include_str!("../books/moscow.toml")).expect("the book has no problems")
});

/// Whatever the lines say: what is accepted is a duplicate the second time, what is refused is refused again for the
/// same reason, and what was accepted is rated.
pub fn check(bytes: &[u8]) {
    let window = Window::new(BOOK.calendar(), OCTOBER, NOVEMBER, None).expect("October is a window");
    let mut rater = Rater::new(&BOOK, window).expect("October is within the years that are rated");
    let first = take(&mut rater, bytes);
    let accepted = rater.accepted();
    assert_eq!(accepted, first.iter().filter(|outcome| **outcome == Ok(Accepted::New)).count());
    let expected: Vec<_> = first.into_iter().map(|outcome| outcome.map(|_| Accepted::Duplicate)).collect();
    assert_eq!(take(&mut rater, bytes), expected);
    assert_eq!(rater.accepted(), accepted);
    rater.finish().expect("no accepted event makes an accepted book overflow");
}
