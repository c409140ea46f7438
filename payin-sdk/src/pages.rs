//! Lists as streams: fetches page after page and gives each item once, while the list changes under the reader.
//! What each list is sorted by stands in `pages/lists.rs`.
//!
//! A list that is sorted by a time that never changes, and can be bounded by it, is walked by that time: the next page is the
//! first page of what is older (or newer) than the last item seen. What is added or leaves meanwhile then moves nothing. Other lists are
//! walked by page numbers: what is added makes items come twice, which is sorted out here; what leaves, or moves to the front, moves the
//! rest up, and an item may be missed. Each stream's text says which it is.

mod lists;

use std::collections::{HashSet, VecDeque};

use futures_util::{Stream, stream};
use serde::Serialize;
use serde::de::DeserializeOwned;

use payin_types::{Page, SortOrder, Timestamp};

use crate::client::{Call, Client};
use crate::error::Error;

pub(crate) use lists::Unfiltered;

/// Items asked for at once where the caller does not say: the most that the API gives.
const LIMIT: u64 = 100;

/// How many pages in a row may bring nothing new. Some do where a list grows while it is read; as many as this mean that it would
/// go on for ever.
const STALE_PAGES_MAX: u32 = 10;

/// The query of a list, as far as a walk must understand it.
pub(crate) trait Query: Serialize + Clone + Send + 'static {
    type Item: DeserializeOwned + Send + 'static;

    /// How a page is written.
    type Page: DeserializeOwned + Into<Page<Self::Item>> + Send + 'static;

    /// The page and the limit asked for.
    fn paging(&mut self) -> (&mut Option<u64>, &mut Option<u64>);

    /// What tells items apart.
    fn id(item: &Self::Item) -> &str;

    /// How the list is sorted.
    fn by(&self) -> By {
        By::Page
    }

    /// Only items of this time or later, only items before that time.
    fn bounds(&mut self) -> Option<Bounds<'_>> {
        None
    }

    /// The time that the bounds are about.
    fn time(_: &Self::Item) -> Option<Timestamp> {
        None
    }
}

/// What a walk goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// Page numbers.
    Page,
    /// A time that never changes, latest first.
    NewestFirst,
    /// A time that never changes, earliest first.
    OldestFirst,
}

impl By {
    /// For a list that can be walked by a time if it is sorted by it.
    pub(crate) fn time(is_sorted_by_it: bool, order: Option<&SortOrder>) -> Self {
        match order {
            None | Some(SortOrder::Desc) if is_sorted_by_it => Self::NewestFirst,
            Some(SortOrder::Asc) if is_sorted_by_it => Self::OldestFirst,
            _ => Self::Page,
        }
    }
}

/// The bounds of a query.
pub(crate) struct Bounds<'q> {
    /// Included.
    pub(crate) after: &'q mut Option<Timestamp>,
    /// Excluded.
    pub(crate) before: &'q mut Option<Timestamp>,
}

/// Each item of a list once, in its order. Ends after the first error.
pub(crate) fn stream<Q: Query>(
    client: &Client,
    route: &'static str,
    args: &[&str],
    query: Q,
) -> impl Stream<Item = Result<Q::Item, Error>> + Send + use<Q> {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    let walk = Walk::new(client.clone(), route, args, query);
    let start = State { walk, ready: VecDeque::new(), seen: HashSet::new(), stale: 0, ended: false };
    stream::try_unfold(start, async |mut state: State<Q>| {
        loop {
            if let Some(item) = state.ready.pop_front() {
                return Ok(Some((item, state)));
            }
            if state.ended {
                return Ok(None);
            }
            state.read_on().await?;
        }
    })
}

struct State<Q: Query> {
    walk: Walk<Q>,
    ready: VecDeque<Q::Item>,
    seen: HashSet<String>,
    /// How many pages in a row brought nothing new.
    stale: u32,
    ended: bool,
}

impl<Q: Query> State<Q> {
    async fn read_on(&mut self) -> Result<(), Error> {
        let page: Page<Q::Item> = self.walk.fetch().await?.into();
        self.ended = !page.pagination.has_more || page.data.is_empty();
        self.walk.advance(&page);
        let fresh = page.data.into_iter().filter(|item| self.seen.insert(Q::id(item).to_owned()));
        self.ready.extend(fresh);
        self.stale = if self.ready.is_empty() { self.stale + 1 } else { 0 };
        if self.stale >= STALE_PAGES_MAX && !self.ended {
            return Err(Error::Drift { call: format!("GET {}", self.walk.route), pages: self.stale });
        }
        Ok(())
    }
}

/// A place in a list.
struct Walk<Q> {
    client: Client,
    route: &'static str,
    args: Vec<String>,
    query: Q,
    /// What the caller asked for, to return to page numbers where the server ignores the bound.
    asked: Q,
    by: By,
}

impl<Q: Query> Walk<Q> {
    fn new(client: Client, route: &'static str, args: Vec<String>, mut query: Q) -> Self {
        let (page, limit) = query.paging();
        let begins_at_a_page = page.is_some();
        page.get_or_insert(1);
        limit.get_or_insert(LIMIT);
        let by = if begins_at_a_page { By::Page } else { query.by() };
        Self { client, route, args, asked: query.clone(), query, by }
    }

    fn fetch(&self) -> Call<Q::Page> {
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        self.client.read(self.route, &args, &self.query)
    }

    /// Makes the page after this one next.
    fn advance(&mut self, page: &Page<Q::Item>) {
        if !page.data.iter().all(|item| self.is_within_bounds(item)) {
            self.by = By::Page;
            self.query = self.asked.clone();
        }
        let moved = page.data.last().and_then(Q::time).is_some_and(|last| self.move_bound(last));
        let (number, _) = self.query.paging();
        *number = if moved { Some(1) } else { number.map(|page| page.saturating_add(1)) };
    }

    fn is_within_bounds(&mut self, item: &Q::Item) -> bool {
        let (by, Some(bounds), Some(time)) = (self.by, self.query.bounds(), Q::time(item)) else { return true };
        match by {
            By::Page => true,
            By::NewestFirst => bounds.before.is_none_or(|bound| time < bound),
            By::OldestFirst => bounds.after.is_none_or(|bound| time >= bound),
        }
    }

    /// Moves the bound to the last item seen, that item's millisecond included, because others may share it.
    fn move_bound(&mut self, last: Timestamp) -> bool {
        let (by, Some(bounds)) = (self.by, self.query.bounds()) else { return false };
        let (bound, to) = match by {
            By::Page => return false,
            By::NewestFirst => (bounds.before, Timestamp::from_millis(last.millis().saturating_add(1))),
            By::OldestFirst => (bounds.after, last),
        };
        bound.replace(to) != Some(to)
    }
}
