//! Makes deliveries: events under fresh ids, with the headers that a server sends. It must not send, nor know what is right.

use payin_sdk::types::id::base62;
use payin_sdk::webhook::{self, PAYIN_SIGNATURE, STANDARD_SIGNATURE, STANDARD_TIMESTAMP};
use payin_sdk::{Event, EventId, EventType, SecretString, Timestamp};
use serde_json::{Map, Value, json};

use super::judge::Expects;

/// A request to be sent.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// What it has to be answered with.
    pub expects: Expects,
}

/// Everything that events and their signatures are made of.
pub struct Maker {
    secret: SecretString,
    template: Event,
    made_up: bool,
    random: u64,
    run: String,
    now: Timestamp,
    expects: Expects,
    told: Vec<Told>,
}

/// An event that was sent, for whoever looks up what came of it.
struct Told {
    id: String,
    reference: Option<String>,
    genuine: bool,
}

impl Maker {
    /// Events of orders that nobody knows.
    pub fn made_up(secret: SecretString, seed: u64, event_type: EventType) -> Self {
        let data = json!({
            "amount": "100.00", "chainId": "ethereum-sepolia", "confirmations": 3, "currency": "USDT",
            "metadata": {}, "protocol": "evm", "receivedAmount": "100.00", "status": "completed",
            "address": "0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb1",
            "txHash": "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060",
        });
        let template =
            Event { id: EventId::from(""), event_type, created_at: Timestamp::default(), sequence: None, data, extra: Map::new() };
        Self { made_up: true, ..Self::of(secret, seed, template) }
    }

    /// Events like this one.
    pub fn of(secret: SecretString, seed: u64, template: Event) -> Self {
        let (run, now) = (String::new(), Timestamp::default());
        let mut maker = Self { secret, template, made_up: false, random: seed, run, now, expects: Expects::Taken, told: Vec::new() };
        maker.run = base62(u128::from(maker.random()), 11);
        maker
    }

    /// From here on it is this late, and what is made has to be answered like this.
    pub fn begin(&mut self, now: Timestamp, expects: Expects) {
        (self.now, self.expects) = (now, expects);
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// The next of a row of numbers that the seed determines (SplitMix64): for variety, not for secrecy.
    pub fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Every event so far: its id, its order's or deposit's reference, and whether it must have taken effect.
    pub fn told(&self) -> impl Iterator<Item = (&str, Option<&str>, bool)> {
        self.told.iter().map(|told| (told.id.as_str(), told.reference.as_deref(), told.genuine))
    }

    /// A new event.
    pub fn event(&mut self) -> Event {
        let number = self.told.len().saturating_add(1);
        let mut event = Event { created_at: self.now, sequence: Some(1), ..self.template.clone() };
        if self.made_up
            && let Some(data) = event.data.as_object_mut()
        {
            // Both kinds of ids, so that whatever type was asked for has its own.
            for (field, prefix) in [("orderId", "ord"), ("depositId", "dep")] {
                data.insert(field.to_owned(), format!("{prefix}_chaos{}x{number}", self.run).into());
            }
            for field in ["orderReference", "depositReference"] {
                data.insert(field.to_owned(), format!("chaos-{}-{number}", self.run).into());
            }
            data.insert("createdAt".to_owned(), Value::from(self.now.to_string()));
        }
        let words = event.event_type.as_str().replace('.', "_");
        event.id = EventId::from(format!("evt_{words}_chaos{}x{number}", self.run));
        let reference = ["orderReference", "depositReference"].iter().find_map(|field| event.data.get(*field)?.as_str());
        self.told.push(Told { id: event.id.to_string(), reference: reference.map(str::to_owned), genuine: self.expects == Expects::Taken });
        event
    }

    /// A delivery as a server makes it, signed so long ago, in seconds.
    pub fn deliver(&mut self, event: &Event, ago_s: i64) -> Delivery {
        self.deliver_body(event, body(event), ago_s)
    }

    /// The same with a body that is not written as a server writes it.
    pub fn deliver_body(&mut self, event: &Event, body: Vec<u8>, ago_s: i64) -> Delivery {
        let at = Timestamp::from_secs(self.now.secs().saturating_sub(ago_s));
        let signed = webhook::sign(&self.secret, event.id.as_str(), at, &body).map(|(name, value)| (name.to_owned(), value));
        self.with_headers(event, signed.to_vec(), body)
    }

    /// With these signature headers, among those that every delivery has.
    pub fn with_headers(&mut self, event: &Event, signed: Vec<(String, String)>, body: Vec<u8>) -> Delivery {
        let delivery = base62(u128::from(self.random()), 11);
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/json".to_owned()),
            ("User-Agent".to_owned(), "PayIn-Webhook/1.0".to_owned()),
            ("X-PayIn-Event-Type".to_owned(), event.event_type.to_string()),
            ("X-PayIn-Event-Id".to_owned(), event.id.to_string()),
            ("X-PayIn-Delivery-Id".to_owned(), format!("dlv_{}_{delivery}", self.now.millis())),
        ];
        headers.extend(signed);
        Delivery { headers, body, expects: self.expects }
    }
}

/// An event as a server writes it.
pub fn body(event: &Event) -> Vec<u8> {
    // What was read from JSON can be written as JSON.
    serde_json::to_vec(event).unwrap_or_default()
}

impl Delivery {
    /// Puts something else into the signatures: `change` is given the part that is a signature, in hexadecimal digits or base64.
    pub fn resign(mut self, change: impl Fn(&str) -> String) -> Self {
        for (name, value) in &mut self.headers {
            let parts = match name.as_str() {
                PAYIN_SIGNATURE => value.split_once("v1="),
                STANDARD_SIGNATURE => value.split_once("v1,"),
                _ => None,
            };
            if let Some((before, signature)) = parts {
                let version = if name == PAYIN_SIGNATURE { "v1=" } else { "v1," };
                *value = format!("{before}{version}{}", change(signature));
            }
        }
        self
    }

    /// Says another time of signing, with the signature as it was.
    pub fn retime(mut self, from: Timestamp, to: Timestamp) -> Self {
        let (from, to) = (from.secs().to_string(), to.secs().to_string());
        for (name, value) in &mut self.headers {
            if [PAYIN_SIGNATURE, STANDARD_TIMESTAMP].contains(&name.as_str()) {
                *value = value.replacen(&from, &to, 1);
            }
        }
        self
    }
}
