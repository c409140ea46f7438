//! What every list has in common: a page or, with `--all`, every page as it comes.

use std::pin::pin;

use futures_util::{Stream, TryStreamExt};
use payin_sdk::types::Pagination;
use payin_sdk::{Call, Error, Page};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Context;
use crate::failure::Failure;
use crate::output::{Columns, Format};

/// Which part of a list is asked for.
#[derive(Debug, clap::Args)]
pub struct Paging {
    /// Which page, from 1
    #[arg(long, value_name = "N", conflicts_with = "all")]
    pub page: Option<u64>,

    /// How many a page, 1 to 100 [default: 20; of the CryptoPay API 50]
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,

    /// All pages, written as they come; as ndjson where json is the format
    #[arg(long)]
    pub all: bool,
}

/// Shows the page, as its API writes it, or, for `all`, what the stream brings. What is not asked for is never sent.
pub async fn show<T, P>(
    context: &Context,
    all: bool,
    page: Call<P>,
    stream: impl Stream<Item = Result<T, Error>>,
    columns: Columns,
) -> Result<(), Failure>
where
    T: Serialize,
    P: Serialize + DeserializeOwned + Clone + Into<Page<T>> + Send + 'static,
{
    if all {
        let mut things = pin!(stream);
        return context.ui.stream(async || Ok(things.try_next().await?), columns).await;
    }
    let page = page.await?;
    let Page { data, pagination } = page.clone().into();
    context.ui.list(&page, &data, columns)?;
    if context.ui.format == Format::Table {
        context.ui.note(&position(&pagination));
    }
    Ok(())
}

/// Where a page stands, for people.
fn position(pagination: &Pagination) -> String {
    let Pagination { page, total_pages, total, has_more, .. } = pagination;
    if *total == 0 {
        return "there is none".to_owned();
    }
    let more = if *has_more { "; --page N shows another" } else { "" };
    format!("page {page} of {total_pages}, {total} in all{more}")
}
