//! What every command that creates has in common: it can be repeated without doing its work twice.

use payin_sdk::{Call, Client};
use serde::de::DeserializeOwned;

use super::Context;
use crate::failure::Failure;

/// Makes a command safe to repeat.
#[derive(Debug, Clone, clap::Args)]
pub struct Once {
    /// Makes the command safe to repeat: with the same key it is done once [default: a fresh one]
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

impl Once {
    /// The answer to `call`. Whoever interrupts it is told how to find out what became of it.
    pub async fn send<T: DeserializeOwned>(self, context: &Context, client: &Client, call: Call<T>) -> Result<T, Failure> {
        let key = match self.idempotency_key {
            Some(key) => key,
            None => client.new_idempotency_key()?,
        };
        context.leaves_behind(format!("it may have been done; the same command with --idempotency-key {key} does it at most once"));
        let answer = call.idempotency_key(key).answer().await?;
        if answer.replayed {
            context.ui.note("this was done by an earlier command with the same idempotency key; nothing was done now");
        }
        Ok(answer.body)
    }
}
