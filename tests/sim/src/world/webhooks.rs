//! Webhooks from the merchants' side: sent again, signed with another secret, forged by somebody, replayed by somebody.

use std::time::Duration;

use payin_sdk::webhook::{self, Scheme, Verifier};
use payin_sdk::{EventId, ResendEvent, RotateSecret};
use secrecy::SecretString;

use super::World;
use crate::act::Kind;
use crate::dice::Dice;

impl World {
    pub(super) async fn resend(&mut self, dice: &mut Dice) {
        let whose = self.merchants[0].id.as_str();
        let own = |line: &&crate::books::Line| line.text("organization_id") == whose && !line.has("api");
        let ids: Vec<String> = self.books.table("events").filter(|(_, line)| own(line)).map(|(id, _)| id.clone()).collect();
        let Some(id) = dice.pick(&ids) else { return };
        self.receiver.may_hear_again();
        let _ = self.merchants[0].client.webhook_events().resend(&EventId::from(id.as_str()), &ResendEvent::default()).await;
    }

    /// Another secret. Until the old one has run out, either is good.
    pub(super) async fn rotate(&mut self, dice: &mut Dice) {
        let Some((id, url)) = dice.pick(&self.memory.endpoints).cloned() else { return };
        let merchant = usize::from(url.contains("beta"));
        let rotated = self.merchants[merchant].client.webhook_endpoints().rotate_secret(&id, &RotateSecret::default()).await;
        if let Ok(endpoint) = rotated {
            self.receiver.add_secret(&url, endpoint.secret.clone().expect("a secret"));
            self.coverage.hit("secret rotated");
        }
    }

    /// Somebody posts what no server of ours has signed, or what one signed long ago.
    pub(super) fn forge_webhook(&mut self, kind: Kind, dice: &mut Dice) {
        let secret = SecretString::from("whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldA==".to_owned());
        let url = "http://alpha.test/all";
        let now = self.time.now();
        let heard: Vec<_> = self.receiver.heard().into_iter().filter(|heard| heard.url == url).collect();
        let Some(heard) = dice.pick(&heard) else { return };
        let owned = |headers: &[(&'static str, String)]| {
            headers.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Vec<_>>()
        };
        if kind == Kind::ForgeWebhook {
            let mut headers = owned(&webhook::sign(&secret, &heard.id, now, &heard.body));
            if dice.permille(500) {
                // A second signature, right for nothing.
                headers[0].1 = format!("{},v1={}", headers[0].1, "0".repeat(64));
            }
            if self.receiver.believes(url, &headers, &heard.body) {
                self.judge.wrong("a forged webhook is believed", format!("{headers:?}"));
            }
            return self.coverage.hit("forged webhook refused");
        }
        // Signed by the right secret, but an hour ago; and a body that differs by a byte.
        let right = self.receiver.secret(url).expect("a secret");
        let right = SecretString::from(right);
        let verifier = Verifier::new(right.clone());
        let old = owned(&webhook::sign(&right, &heard.id, now.minus(Duration::from_secs(3_600)), &heard.body));
        let old = old.iter().map(|(name, value)| (name, value));
        if webhook::verify_as(Scheme::PayIn, old, &heard.body, &verifier, now).is_ok() {
            self.judge.wrong("a replayed webhook is believed", heard.id.clone());
        }
        let fresh = owned(&webhook::sign(&right, &heard.id, now, &heard.body));
        let mut body = heard.body.clone();
        let place = dice.index(body.len());
        body[place] ^= 1;
        if self.receiver.believes(url, &fresh, &body) {
            self.judge.wrong("an altered webhook is believed", heard.id.clone());
        }
        // During a rotation a server signs with both secrets, the receiver knows only one of them yet.
        let both = webhook::sign_payin(&[secret, right], now, &heard.body);
        let found = [(webhook::PAYIN_SIGNATURE, both)];
        if webhook::verify_as(Scheme::PayIn, found, &heard.body, &verifier, now).is_err() {
            self.judge.wrong("a webhook that is signed with two secrets is not believed", heard.id.clone());
        }
        self.coverage.hit("replayed webhook refused");
    }
}
