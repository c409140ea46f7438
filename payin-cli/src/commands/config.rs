//! `payin config …`: the organization's settings. What they mean and what values they take the server says.

use serde_json::Value;

use super::{Context, fields};
use crate::failure::Failure;
use crate::output::columns;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List every setting: what holds, where that comes from, its bounds
    List,
    /// Show a setting
    Get {
        /// Its name, such as orders.payment_window_minutes, or its short name payment_window_minutes
        #[arg(value_name = "KEY")]
        key: String,
    },
    /// Change a setting, for new orders only
    #[command(after_help = "Example:\n  payin config set orders.payment_window_minutes 15")]
    Set {
        /// Its name, or its short name
        #[arg(value_name = "KEY")]
        key: String,
        /// A number, true, false, or text
        #[arg(value_name = "VALUE", allow_hyphen_values = true)]
        value: String,
    },
    /// Go back to what holds without a setting of the organization's own
    Unset {
        /// Its name, or its short name
        #[arg(value_name = "KEY")]
        key: String,
    },
}

pub async fn run(context: &Context, command: Command) -> Result<(), Failure> {
    let client = context.client()?;
    let settings = client.config();
    let setting = match command {
        Command::List => {
            let all = settings.list().await?;
            return context.ui.list(&all, &all.data, columns::SETTINGS);
        }
        Command::Get { key } => settings.get(&key).await?,
        Command::Set { key, value } => settings.set(&key, fields::value(&value)).await?,
        Command::Unset { key } => settings.set(&key, Value::Null).await?,
    };
    context.ui.record(&setting, columns::SETTING)
}
