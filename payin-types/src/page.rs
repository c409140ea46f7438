//! Pages of lists (source: API Reference, "Pagination").

use serde::{Deserialize, Serialize};

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the order asked for.
    pub data: Vec<T>,
    /// Where this page stands.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// This page, from 1.
    pub page: u64,
    /// Items a page at most, 1 to 100.
    pub limit: u64,
    /// Items in the whole list at this moment.
    pub total: u64,
    /// Pages in the whole list at this moment.
    pub total_pages: u64,
    /// Whether a later page has items.
    pub has_more: bool,
}

impl Pagination {
    /// For a page of a list of `total` items.
    #[must_use]
    pub fn new(page: u64, limit: u64, total: u64) -> Self {
        let total_pages = total.div_ceil(limit.max(1));
        Self { page, limit, total, total_pages, has_more: page < total_pages }
    }
}
