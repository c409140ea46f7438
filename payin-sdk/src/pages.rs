//! Lists as streams: fetches page after page and gives each item once. What comes next is the listing's business.

use std::collections::{HashSet, VecDeque};

use futures_util::{Stream, stream};

use payin_types::Page;

use crate::client::Call;
use crate::error::Error;

/// Items asked for at once where the caller does not say: the most that the API gives.
pub(crate) const LIMIT: u64 = 100;

/// A list that can be walked.
pub(crate) trait Listing: Send + 'static {
    type Item: serde::de::DeserializeOwned + Send + 'static;

    /// Asks for the page that is next.
    fn fetch(&self) -> Call<Page<Self::Item>>;

    /// What tells items apart.
    fn id(item: &Self::Item) -> &str;

    /// Makes the page after this one next.
    fn advance(&mut self, page: &Page<Self::Item>);
}

/// Each item of a list once, in its order. Ends after the first error.
pub(crate) fn stream<L: Listing>(listing: L) -> impl Stream<Item = Result<L::Item, Error>> + Send + use<L> {
    let start = State { listing, ready: VecDeque::new(), seen: HashSet::new(), ended: false };
    stream::try_unfold(start, async |mut state: State<L>| {
        loop {
            if let Some(item) = state.ready.pop_front() {
                return Ok(Some((item, state)));
            }
            if state.ended {
                return Ok(None);
            }
            let page = state.listing.fetch().await?;
            state.ended = !page.pagination.has_more || page.data.is_empty();
            state.listing.advance(&page);
            let fresh = page.data.into_iter().filter(|item| state.seen.insert(L::id(item).to_owned()));
            state.ready.extend(fresh);
        }
    })
}

struct State<L: Listing> {
    listing: L,
    ready: VecDeque<L::Item>,
    seen: HashSet<String>,
    ended: bool,
}
