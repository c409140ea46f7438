//! How lists are divided, and where the next and the previous page are (source: its API overview, "Pagination").

use payin_types::ErrorCode;
use payin_types::cryptopay::{PageQuery, Results};

use crate::Error;

/// Items a page where nothing is said. The document's example asks for pages of 50, and does not repeat that in the links it shows.
const SIZE: u64 = 50;
const SIZE_MAX: u64 = 100;
/// Far behind any data.
const PAGE_MAX: u64 = 1_000_000_000;

/// A page that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Which, from 1.
    pub number: u64,
    /// How many items it has at most.
    pub size: u64,
}

/// Reads which page is asked for. Nothing is clamped: a caller must not take a part for the whole.
///
/// # Errors
/// `VALIDATION_ERROR` out of bounds.
pub fn page(query: PageQuery) -> Result<Page, Error> {
    let (number, size) = (query.page.unwrap_or(1), query.page_size.unwrap_or(SIZE));
    let mut wrong = Vec::new();
    if !(1..=PAGE_MAX).contains(&number) {
        wrong.push(Error::field("page", format!("must be 1 to {PAGE_MAX}, is {number}")));
    }
    if !(1..=SIZE_MAX).contains(&size) {
        wrong.push(Error::field("page_size", format!("must be 1 to {SIZE_MAX}, is {size}")));
    }
    Error::together(wrong).map_or(Ok(Page { number, size }), Err)
}

impl Page {
    fn link(self, path: &str, number: u64) -> String {
        if self.size == SIZE { format!("{path}?page={number}") } else { format!("{path}?page={number}&page_size={}", self.size) }
    }

    /// The page with its items, `path` being the list's.
    ///
    /// # Errors
    /// `RESOURCE_NOT_FOUND` behind the last page; the first is always there.
    pub fn of<T>(self, path: &str, results: Vec<T>, count: u64) -> Result<Results<T>, Error> {
        if results.is_empty() && self.number > 1 {
            return Err(Error::new(ErrorCode::ResourceNotFound, format!("There is no page {}: the list has {count} items", self.number)));
        }
        let ends_at = self.number.saturating_mul(self.size);
        Ok(Results {
            count,
            next: (ends_at < count).then(|| self.link(path, self.number.saturating_add(1))),
            previous: self.number.checked_sub(1).filter(|before| *before > 0).map(|before| self.link(path, before)),
            results,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(page: Option<u64>, page_size: Option<u64>) -> Result<Page, Error> {
        super::page(PageQuery { page, page_size })
    }

    #[test]
    fn the_documents_links() {
        let page = asked(Some(2), Some(50)).unwrap().of("/api/payment-orders/", vec![(); 50], 150).unwrap();
        assert_eq!(page.next.as_deref(), Some("/api/payment-orders/?page=3"));
        assert_eq!(page.previous.as_deref(), Some("/api/payment-orders/?page=1"));
    }

    #[test]
    fn links_keep_the_size_and_end_where_the_list_does() {
        let page = |number: u64, items: usize, count| asked(Some(number), Some(2)).unwrap().of("/l/", vec![(); items], count);
        let links = |number, items, count| page(number, items, count).map(|page| (page.next, page.previous)).unwrap();
        assert_eq!(links(1, 2, 3), (Some("/l/?page=2&page_size=2".to_owned()), None));
        assert_eq!(links(2, 1, 3), (None, Some("/l/?page=1&page_size=2".to_owned())));
        assert_eq!(links(1, 2, 2), (None, None));
        assert_eq!(links(1, 0, 0), (None, None));
        assert_eq!(page(2, 0, 2).unwrap_err().code, ErrorCode::ResourceNotFound);
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_all_at_once() {
        let error = asked(Some(0), Some(101)).unwrap_err();
        assert!(error.message.contains("page: ") && error.message.contains("page_size: "), "{error:?}");
        assert_eq!(asked(None, None).unwrap(), Page { number: 1, size: 50 });
    }
}
