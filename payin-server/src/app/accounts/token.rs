//! Access tokens: JSON Web Tokens (RFC 7519) with HS256 and nothing else. The header is compared, not read, so that no token chooses how it is
//! verified.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use payin_core::account::Claims;
use payin_types::SecretString;

use crate::seal::Seal;

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Makes and reads tokens.
#[derive(Debug)]
pub struct Tokens<'a>(&'a Seal);

impl<'a> Tokens<'a> {
    /// Under a deployment's master keys.
    #[must_use]
    pub fn new(seal: &'a Seal) -> Self {
        Self(seal)
    }

    /// A token that says this.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> SecretString {
        // Texts and numbers always serialise.
        let payload = BASE64.encode(serde_json::to_vec(claims).unwrap_or_default());
        let signed = format!("{HEADER}.{payload}");
        let mac = self.0.session_macs(signed.as_bytes()).into_iter().next().unwrap_or_default();
        SecretString::from(format!("{signed}.{}", BASE64.encode(mac)))
    }

    /// What a token says, if it is one of ours.
    #[must_use]
    pub fn read(&self, token: &str) -> Option<Claims> {
        let (signed, mac) = token.rsplit_once('.')?;
        let payload = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        let mac = BASE64.decode(mac).ok()?;
        if !self.0.session_is_genuine(signed.as_bytes(), &mac) {
            return None;
        }
        serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use payin_types::{ExposeSecret as _, Timestamp};
    use secrecy::SecretBox;

    use super::*;

    #[test]
    fn only_what_was_signed_here_is_read() {
        let seal = |byte: u8| Seal::new(&[SecretBox::new(Box::new([byte; 32]))]);
        let (ours, theirs) = (seal(1), seal(2));
        let claims = Claims::new("usr_1".into(), "org_1".into(), "1".to_owned(), Timestamp::from_secs(1000));
        let token = Tokens::new(&ours).sign(&claims);
        let token = token.expose_secret();
        assert_eq!(Tokens::new(&ours).read(token), Some(claims.clone()));
        assert_eq!(Tokens::new(&theirs).read(token), None);
        // Another algorithm, no signature, another payload.
        let [_, payload, mac] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
        let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let other = BASE64.encode(serde_json::to_vec(&Claims { org: "org_2".into(), ..claims }).unwrap());
        for forged in [
            format!("{none}.{payload}."),
            format!("{none}.{payload}.{mac}"),
            format!("{HEADER}.{payload}."),
            format!("{HEADER}.{other}.{mac}"),
            String::new(),
        ] {
            assert_eq!(Tokens::new(&ours).read(&forged), None, "{forged}");
        }
    }
}
