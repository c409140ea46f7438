//! `payin webhooks test --chaos URL`: sends a handler what it must take and what it must refuse, and tells which of it it gets wrong.
//! What is sent stands in `cases.rs`, how an answer is judged in `judge.rs`. It needs neither a key nor a gateway.

mod cases;
mod judge;
mod maker;

use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::join_all;
use payin_sdk::transport::{Request, ReqwestTransport, Transport, TransportErrorKind};
use payin_sdk::{Event, EventType};
use serde_json::{Value, json};

use self::cases::{CASES, Case};
use self::judge::{Answered, Verdict};
use self::maker::{Delivery, Maker};
use super::super::{Context, input};
use super::scheme;
use crate::clock;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Needs no API key and no gateway: it is the sender. Give your handler, on a machine of your own,
the secret in FILE.

It sends genuine events: late, out of order, twice, twice at once, of types and with fields to
come, during a rotation of the secret. The handler must answer each with 2xx (409, 425, 429 or 503
will do for one that is being handled at the same moment). And it sends forged, altered, stale and
unsigned ones, which it must answer with 4xx, but not with 408, 425 or 429, which ask for more, nor
with 410, which ends an endpoint.

It sees answers only. Whether each genuine event took effect exactly once, and no other did, is for
you to look up in your own records: the report lists the events by id and reference. Orders are
made up unless --template gives an event of one that you know.

Examples:
  payin webhooks test --chaos http://localhost:8080/webhooks/payin --secret-file secret.txt
  payin webhooks events get evt_order_completed_ord_1 --output json | jq .payload > event.json
  payin webhooks test --chaos http://localhost:8080/webhooks/payin --secret-file secret.txt --template event.json --output json")]
pub struct Args {
    /// The handler
    #[arg(long, value_name = "URL", required = true)]
    chaos: String,

    /// A file with the secret that the handler verifies with
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,

    /// The type of the events
    #[arg(long, value_name = "TYPE", default_value = "order.completed", conflicts_with = "template")]
    event: String,

    /// An event as JSON, whose type and data are sent under ids of their own: a file, or - for standard input
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,

    /// Ids and the order of the cases are made from this number; a handler that remembers the ids has handled them [default: the time]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// How long the handler may take for an answer, in seconds; a server waits for 15
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

/// What came of one case.
#[derive(Debug, serde::Serialize)]
struct Row {
    case: &'static str,
    verdict: Verdict,
    expected: &'static str,
    answered: String,
    /// What it means that the handler gets this wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    means: Option<&'static str>,
}

pub async fn run(context: &Context, args: Args) -> Result<(), Failure> {
    scheme::stdin_once(args.template.as_deref().into_iter().chain([args.secret_file.as_path()]))?;
    let secret = scheme::secret(&args.secret_file)?;
    let template = args.template.as_ref().map(|path| template(path)).transpose()?;
    let seed = args.seed.unwrap_or_else(|| clock::now().millis().unsigned_abs());
    let mut maker = match template {
        Some(event) => Maker::of(secret, seed, event),
        None => Maker::made_up(secret, seed, EventType::from(args.event.as_str())),
    };
    let receiver = Receiver::new(&args.chaos, Duration::from_secs(args.timeout))?;
    let mut rows = Vec::new();
    for case in cases::shuffled(CASES, &mut maker) {
        if context.ui.is_live() {
            context.ui.progress(&format!("{} of {}: {}", rows.len().saturating_add(1), CASES.len(), case.name));
        }
        let row = receiver.row(case, &mut maker).await?;
        let useless = case.name == cases::FIRST && row.verdict == Verdict::Wrong;
        rows.push(row);
        if useless {
            context.ui.note("it does not take the plainest of genuine events: nothing can be told from its other answers");
            break;
        }
    }
    tell(context, &args, seed, &rows, &maker)
}

/// The event that others are made after.
fn template(path: &std::path::Path) -> Result<Event, Failure> {
    let text = input::read(path)?;
    serde_json::from_slice(&text).map_err(|error| Failure::usage(format!("{} is not an event: {error}", path.display())))
}

fn tell(context: &Context, args: &Args, seed: u64, rows: &[Row], maker: &Maker) -> Result<(), Failure> {
    let wrong: Vec<&str> = rows.iter().filter(|row| row.verdict == Verdict::Wrong).map(|row| row.case).collect();
    let events: Vec<Value> = maker
        .told()
        .map(|(id, reference, genuine)| json!({ "id": id, "reference": reference, "takesEffect": u8::from(genuine) }))
        .collect();
    let whole = json!({ "url": args.chaos, "seed": seed, "ok": wrong.is_empty(), "cases": rows, "checkByHand": events });
    context.ui.list(&whole, rows, &["case", "verdict", "expected", "answered"])?;
    if context.ui.format == Format::Table {
        for row in rows {
            row.means.iter().for_each(|means| context.ui.note(&format!("{}: {means}", row.case)));
        }
    }
    let took = |effect: bool| {
        let ids = maker.told().filter(|(_, _, genuine)| *genuine == effect);
        ids.map(|(id, reference, _)| reference.map_or_else(|| id.to_owned(), |reference| format!("{id} ({reference})")))
            .collect::<Vec<_>>()
            .join(", ")
    };
    context.ui.note(&format!(
        "answers do not show effects. Look up in your own records that each of these took effect exactly once: {}",
        took(true)
    ));
    context.ui.note(&format!("and none of these did: {}", took(false)));
    match wrong.len() {
        0 => Ok(()),
        count => {
            let told = format!("the handler gets {count} of {} cases wrong: {}", rows.len(), wrong.join(", "));
            Err(Failure::new(Exit::NotAsserted, "HANDLER_WRONG", told).hint(format!("the same again: --seed {seed}")))
        }
    }
}

/// Whoever is tried.
struct Receiver {
    url: String,
    timeout: Duration,
    transport: ReqwestTransport,
}

impl Receiver {
    fn new(url: &str, timeout: Duration) -> Result<Self, Failure> {
        let transport = ReqwestTransport::new(url).map_err(|error| Failure::usage(format!("--chaos: {error}")))?;
        Ok(Self { url: url.to_owned(), timeout, transport })
    }

    /// Sends a case's deliveries, one after the other or all at once, and judges the answers.
    async fn row(&self, case: &Case, maker: &mut Maker) -> Result<Row, Failure> {
        maker.begin(clock::now(), case.expects);
        let deliveries = (case.make)(maker);
        let mut answers = Vec::new();
        if case.at_once {
            let (last, at_once) = deliveries.split_last().ok_or_else(|| Failure::internal("a case without deliveries"))?;
            answers.extend(join_all(at_once.iter().map(|delivery| self.send(delivery))).await);
            answers.push(self.send(last).await);
        } else {
            for delivery in &deliveries {
                answers.push(self.send(delivery).await);
            }
        }
        let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
        if case.name == cases::FIRST && answers.iter().any(|answer| matches!(answer, Answered::NoConnection)) {
            return Err(
                Failure::new(Exit::Network, "NETWORK", format!("nobody takes connections at {}", self.url)).hint("is the handler running?")
            );
        }
        let expected: Vec<_> = deliveries.iter().map(|delivery| delivery.expects).zip(answers.iter().copied()).collect();
        let verdict = judge::case(case.at_once, &expected);
        let answered = answers.iter().map(ToString::to_string).collect::<Vec<_>>();
        let means = (verdict == Verdict::Wrong).then_some(case.means);
        Ok(Row { case: case.name, verdict, expected: case.expects.words(), answered: judge::counted(&answered), means })
    }

    async fn send(&self, delivery: &Delivery) -> Result<Answered, Failure> {
        let mut request = Request::post(self.url.clone(), delivery.body.clone().into(), self.timeout);
        for (name, value) in &delivery.headers {
            request.add_header(name, value).map_err(|error| Failure::usage(format!("{name}: {error}")))?;
        }
        Ok(match self.transport.send(request).await {
            Ok(response) => Answered::Status(response.status),
            Err(error) => match error.kind {
                TransportErrorKind::Connect => Answered::NoConnection,
                TransportErrorKind::Timeout => Answered::Nothing,
                _ => Answered::Broken,
            },
        })
    }
}
