//! Idempotency: a use case whose answer is kept in the transaction of its effect, and replayed byte for byte.
//! Which keys and answers count is a rule of `payin-core`.

use std::sync::Arc;

use payin_core::{Error, replay};
use payin_types::Timestamp;
use payin_types::id::hex;
use payin_types::known_bad::{Mistake, makes};
use sha2::{Digest, Sha256};

use super::Outcome;
use crate::seal::Seal;
pub use crate::store::idempotency::Scope;
use crate::store::idempotency::{self, Record};
use crate::store::{Failure, Fault, Together, Tx, Unit};

/// What a request is answered with: a status and the bytes of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: String,
    /// Whether it is an earlier answer given once more.
    pub replayed: bool,
}

/// How a use case's end becomes an answer. A replayed refusal names the request that met it first.
pub trait Render<T>: Send + Sync + 'static {
    /// The answer to success.
    fn success(&self, output: &T) -> Answer;
    /// The answer to a refusal.
    fn refusal(&self, error: &Error) -> Answer;
}

/// A use case under an idempotency key.
pub struct Once<U, R> {
    /// The use case.
    pub unit: U,
    /// How it is answered.
    pub render: R,
    /// Under which key.
    pub scope: Scope,
    /// SHA-256 of the request's body.
    pub fingerprint: String,
    /// Whether the answer bears a secret, and with what nonce it is sealed.
    pub sealed: Option<(Arc<Seal>, [u8; 24])>,
    /// The time.
    pub now: Timestamp,
}

/// The fingerprint of a request's body.
#[must_use]
pub fn fingerprint(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

impl<U: Unit, R: Render<U::Output>> Once<U, R> {
    fn cutoff(&self) -> Timestamp {
        self.now.minus(replay::LIFETIME)
    }

    async fn earlier(&self, tx: &mut Tx<'_>) -> Outcome<Option<Answer>> {
        let Some(record) = idempotency::find(tx, &self.scope, self.cutoff()).await? else { return Ok(None) };
        if record.fingerprint != self.fingerprint {
            return Err(replay::conflict().into());
        }
        let body = match (&self.sealed, record.sealed) {
            (Some((seal, _)), true) => seal.open(&self.place(), &record.body).map_err(Fault::from)?,
            _ => record.body,
        };
        Ok(Some(Answer { status: record.status, body, replayed: true }))
    }

    /// Where the sealed answer belongs. The key is the caller's own text: it must not be able to spell the place of another secret.
    fn place(&self) -> String {
        let Scope { organization_id, api_key_id, method, path, key } = &self.scope;
        serde_json::json!(["idempotent answer", organization_id, api_key_id, method, path, key]).to_string()
    }

    fn record(&self, answer: &Answer) -> Record {
        let body = match &self.sealed {
            Some((seal, nonce)) => seal.seal(&self.place(), &answer.body, *nonce),
            None => answer.body.clone(),
        };
        Record { fingerprint: self.fingerprint.clone(), status: answer.status, body, sealed: self.sealed.is_some() }
    }
}

impl<U: Unit, R: Render<U::Output>> Unit for Once<U, R> {
    type Output = Answer;

    /// Does the work first and looks the key up only if that fails or the record is already there: the usual request pays for one
    /// statement. Whatever a losing duplicate did is undone before the winner's answer is given.
    async fn run<'a>(&'a self, tx: &'a mut Tx<'_>) -> Outcome<Answer> {
        let answer = match self.unit.run(tx).await {
            Ok(output) => self.render.success(&output),
            Err(Failure::Refused(error)) => {
                tx.undo().await?;
                let answer = self.render.refusal(&error);
                if !replay::is_kept(answer.status) {
                    return match self.earlier(tx).await? {
                        Some(earlier) => Ok(earlier),
                        None => Err(Failure::Refused(error)),
                    };
                }
                answer
            }
            Err(fault) => return Err(fault),
        };
        if makes(Mistake::AnswerNotKept) || idempotency::keep(tx, &[(&self.scope, self.record(&answer))], self.now, self.cutoff()).await? {
            return Ok(answer);
        }
        tx.undo().await?;
        match self.earlier(tx).await? {
            Some(earlier) => Ok(earlier),
            // It was there a moment ago; it cannot have grown old within one transaction.
            None => Err(Fault::Corrupt("an idempotency record has vanished".to_owned()).into()),
        }
    }
}

impl<U: Together, R: Render<U::Output>> Together for Once<U, R> {
    /// All at once if every one of them succeeds for the first time.
    async fn run_together<'a>(units: &'a [&'a Self], tx: &'a mut Tx<'_>) -> Result<Option<Vec<Answer>>, Fault> {
        let inner: Vec<&U> = units.iter().map(|once| &once.unit).collect();
        let Some(outputs) = U::run_together(&inner, tx).await? else { return Ok(None) };
        let answers: Vec<Answer> = units.iter().zip(&outputs).map(|(once, output)| once.render.success(output)).collect();
        let records: Vec<_> = units.iter().zip(&answers).map(|(once, answer)| (&once.scope, once.record(answer))).collect();
        let Some(now) = units.iter().map(|once| once.now).min() else { return Ok(None) };
        let kept = idempotency::keep(tx, &records, now, now.minus(replay::LIFETIME)).await?;
        Ok(kept.then_some(answers))
    }
}
