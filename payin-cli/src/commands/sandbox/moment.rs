//! `payin sandbox snapshot`, `restore` and `reset`.

use payin_sdk::types::sandbox::{Restore, Snapshot};

use super::super::Context;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub struct Which {
    /// The snapshot, as `payin sandbox snapshot` called it
    #[arg(value_name = "SNAPSHOT")]
    snapshot: String,
}

pub async fn snapshot(context: &Context) -> Result<(), Failure> {
    show(context, &context.client()?.sandbox().snapshot().await?)
}

pub async fn restore(context: &Context, which: Which) -> Result<(), Failure> {
    show(context, &context.client()?.sandbox().restore(&Restore { snapshot_id: which.snapshot }).await?)
}

pub async fn reset(context: &Context) -> Result<(), Failure> {
    show(context, &context.client()?.sandbox().reset().await?)
}

fn show(context: &Context, moment: &Snapshot) -> Result<(), Failure> {
    context.ui.record(moment, &["snapshotId", "at"])
}
