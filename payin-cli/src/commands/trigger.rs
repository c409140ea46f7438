//! `payin trigger`: makes an event really happen in a sandbox, and waits until it is there. It must not make an event up: everything is
//! done through the API, and the gateway says what came of it.

mod fields;
mod stage;

use std::time::Duration;

use payin_sdk::types::sandbox::PaymentKind;
use payin_sdk::world::{SystemWorld, World};
use payin_sdk::{Client, EventType};
use serde_json::json;

use super::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::text;
use fields::Fields;
use stage::Stage;

/// How long an event may take: the sandbox's chains make a block a second, and need some for each step.
const WITHIN: Duration = Duration::from_secs(60);

/// What can be made to happen, and how.
const EVENTS: &[(EventType, &str)] = &[
    (EventType::OrderCreated, "creates an order"),
    (EventType::OrderPaymentDetected, "creates an order and pays it; a block has the payment"),
    (EventType::OrderCompleted, "creates an order, pays it, mines until it is confirmed"),
    (EventType::OrderExpired, "creates an order and lets its time pass on the sandbox's clock"),
    (EventType::OrderPaidLate, "creates an order, lets its time pass, and then pays it"),
    (EventType::OrderReverted, "completes an order and lets the chain take the payment back"),
    (EventType::DepositPending, "binds a reference and pays to its address"),
    (EventType::DepositConfirmed, "the same, and mines until it is confirmed"),
    (EventType::DepositCompleted, "the same, and mines until it is final"),
    (EventType::DepositReverted, "confirms a deposit and lets the chain take it back"),
    (EventType::DepositAddressBound, "binds a reference to an address"),
    (EventType::DepositAddressUnbound, "binds a reference and lets go of its address"),
    (EventType::TransferDetected, "creates an order and pays it"),
    (EventType::TransferConfirmed, "the same, and mines until it is confirmed"),
    (EventType::TransferUnmatched, "creates an order and pays it with another token"),
    (EventType::PaymentLinkOrderCompleted, "publishes a payment link, and pays an order of it"),
    (EventType::PaymentLinkOrderExpired, "publishes a payment link, and lets an order of it expire"),
];

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Only against a sandbox: payin-server dev. The clock that passes is the sandbox's, for everything in it.

Fields: amount, currency, chain, reference, metadata.KEY

Examples:
  payin trigger order.completed
  payin trigger deposit.confirmed --set amount=12.50 --set reference=CUSTOMER-7
  payin trigger order.expired --set chain=polygon-amoy --set metadata.cart=17")]
pub struct Args {
    /// The event that shall happen; --list shows which can
    #[arg(value_name = "EVENT", required_unless_present = "list")]
    event: Option<EventType>,

    /// Make it of this, instead of what is proposed; may be given again
    #[arg(long = "set", value_name = "FIELD=VALUE", value_parser = text::pair)]
    set: Vec<(String, String)>,

    /// Show what can be made to happen, and how
    #[arg(long, conflicts_with_all = ["event", "set"])]
    list: bool,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    let Some(event) = args.event.filter(|_| !args.list) else {
        let list: Vec<_> = EVENTS.iter().map(|(event, how)| json!({ "event": event, "how": how })).collect();
        return context.ui.list(&json!({ "data": list }), &list, &["event", "how"]);
    };
    if !EVENTS.iter().any(|(known, _)| *known == event) {
        let message = format!("{:?} cannot be made to happen", event.as_str());
        return Err(Failure::usage(message).hint("payin trigger --list shows what can"));
    }
    let fields = Fields::read(args.set)?;
    let client = context.client()?;
    check_sandbox(&client).await?;
    context.leaves_behind("what was begun stays as it is in the sandbox");
    let world = SystemWorld::new();
    let playing = Box::pin(async {
        let mut stage = Stage::open(&client, &event, fields).await?;
        play(&mut stage, &event).await?;
        let happened = stage.until(&event).await?;
        stage.made("event", happened.event_type.as_str());
        stage.made("eventId", happened.id.as_str());
        Ok::<_, Failure>(stage.all())
    });
    let made = match futures_util::future::select(playing, world.sleep(WITHIN)).await {
        futures_util::future::Either::Left((made, _)) => made?,
        futures_util::future::Either::Right(_) => {
            let message = format!("{event} did not happen within {} s", WITHIN.as_secs());
            return Err(
                Failure::new(Exit::NotAsserted, "NOT_HAPPENED", message).hint("payin chains list shows whether the chains are followed")
            );
        }
    };
    let columns: Vec<&str> = made.keys().map(String::as_str).collect();
    context.ui.record(&made, &columns)
}

/// The sandbox's API is there only in a sandbox.
async fn check_sandbox(client: &Client) -> Result<(), Failure> {
    let elsewhere = || {
        Failure::new(Exit::Usage, "NO_SANDBOX", format!("{} is no sandbox: nothing is made to happen there", client.base_url()))
            .hint("start one with payin-server dev; on a testnet, pay an order as a payer would")
    };
    match client.sandbox().clock().await {
        Ok(_) => Ok(()),
        Err(error) if error.is_not_found() => Err(elsewhere()),
        Err(error) => Err(error.into()),
    }
}

async fn play(stage: &mut Stage<'_>, event: &EventType) -> Result<(), Failure> {
    match event {
        EventType::OrderCreated => stage.order().await.map(drop),
        EventType::OrderPaymentDetected | EventType::TransferDetected => {
            let order = stage.order().await?;
            stage.pay(&order, PaymentKind::Exact).await
        }
        EventType::TransferUnmatched => {
            let order = stage.order().await?;
            stage.pay(&order, PaymentKind::WrongToken).await
        }
        EventType::OrderCompleted | EventType::TransferConfirmed => {
            let order = stage.order().await?;
            stage.pay(&order, PaymentKind::Exact).await?;
            stage.confirm(&order).await
        }
        EventType::OrderExpired => {
            let order = stage.order().await?;
            stage.let_expire(&order).await
        }
        EventType::OrderPaidLate => {
            let order = stage.order().await?;
            stage.pay(&order, PaymentKind::Late).await?;
            stage.confirm(&order).await
        }
        EventType::OrderReverted => {
            let order = stage.order().await?;
            stage.pay(&order, PaymentKind::Exact).await?;
            stage.confirm(&order).await?;
            let completed = stage.until(&EventType::OrderCompleted).await?;
            stage.take_back(&completed.data).await
        }
        EventType::DepositAddressBound => stage.bind().await,
        EventType::DepositAddressUnbound => {
            stage.bind().await?;
            stage.unbind().await
        }
        EventType::DepositPending => {
            stage.bind().await?;
            stage.deposit().await
        }
        EventType::DepositConfirmed | EventType::DepositCompleted | EventType::DepositReverted => {
            stage.bind().await?;
            stage.deposit().await?;
            let pending = stage.until(&EventType::DepositPending).await?;
            stage.confirm_deposit(&pending.data, event == &EventType::DepositCompleted).await?;
            if event == &EventType::DepositReverted {
                let confirmed = stage.until(&EventType::DepositConfirmed).await?;
                stage.take_back(&confirmed.data).await?;
            }
            Ok(())
        }
        EventType::PaymentLinkOrderCompleted => {
            let order = stage.link_order().await?;
            stage.pay(&order, PaymentKind::Exact).await?;
            stage.confirm(&order).await
        }
        EventType::PaymentLinkOrderExpired => {
            let order = stage.link_order().await?;
            stage.let_expire(&order).await
        }
        other => Err(Failure::internal(format!("nobody knows how to make {other} happen"))),
    }
}
