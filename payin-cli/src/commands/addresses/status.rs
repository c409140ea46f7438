//! `payin addresses status`.

use serde_json::{Value, json};

use super::super::Context;
use crate::failure::Failure;
use crate::output;

#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, _: Args) -> Result<(), Failure> {
    let status = context.client()?.addresses().status().await?;
    let rows = status.iter().map(|(protocol, counts)| {
        let mut row = serde_json::to_value(counts).unwrap_or_default();
        if let Value::Object(fields) = &mut row {
            fields.insert("protocol".to_owned(), json!(protocol));
        }
        row
    });
    context.ui.list(&status, &rows.collect::<Vec<_>>(), output::columns::POOL)
}
