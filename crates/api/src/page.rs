//! Lists: a page of at most 1,000, and the cursor that leads to the next.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The most items of a page.
pub const PAGE_LIMIT: usize = 1_000;
/// The items of a page where nothing else was asked for.
pub const PAGE_DEFAULT: usize = 100;

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// The `next` of the page before; left out for the first
    pub cursor: Option<String>,
    /// The most items of the page, 1 to 1,000
    #[param(minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<usize>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's order
    pub items: Vec<T>,
    /// The `cursor` of the next page; none after the last
    pub next: Option<String>,
}
