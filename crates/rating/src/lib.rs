//! The pure rating core of kopeck: usage events and versioned price books in, exact charges out.
pub mod calendar;
pub mod charge;
pub mod content;
pub mod event;
pub mod money;
pub mod number;
pub mod price_book;
