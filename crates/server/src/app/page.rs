//! Pages of lists.

use kopeck_api::page::PAGE_LIMIT;

use crate::error::AppError;

/// The most items of a page.
pub const MOST: usize = PAGE_LIMIT;

/// How many items a page may have.
///
/// # Errors
/// [`AppError::Input`] outside 1 to 1,000.
pub fn limit(asked: Option<usize>, default: usize) -> Result<usize, AppError> {
    match asked {
        None => Ok(default),
        Some(limit) if (1..=MOST).contains(&limit) => Ok(limit),
        Some(limit) => Err(AppError::invalid(
            "limit",
            format!("a page of {limit} items was asked for"),
            format!("ask for 1 to {MOST}, and follow `next`"),
        )),
    }
}

/// How many items of the list come before the page.
///
/// # Errors
/// [`AppError::Input`] where it is not what a page gave as `next`.
pub fn cursor(given: Option<&str>) -> Result<usize, AppError> {
    given.map_or(Ok(0), str::parse).map_err(|_| {
        AppError::invalid(
            "cursor",
            "the cursor is not one that a page gave",
            "give the `next` of the page before",
        )
    })
}
