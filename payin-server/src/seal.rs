//! What the master key does: MACs of API keys, of what sessions bear, of invitations and recovery codes, of pool addresses, of the extended public keys they come
//! from and of clients, and the sealing of secrets at rest. Keys never leave this file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use payin_types::id::hex;
use secrecy::{ExposeSecret, SecretBox};
use sha2::Sha256;

/// One master key's working keys: each purpose has its own, so that what one makes cannot serve another.
struct Keys {
    api_key: SecretBox<[u8; 32]>,
    address: SecretBox<[u8; 32]>,
    client: SecretBox<[u8; 32]>,
    xpub: SecretBox<[u8; 32]>,
    transfer: SecretBox<[u8; 32]>,
    session: SecretBox<[u8; 32]>,
    refresh: SecretBox<[u8; 32]>,
    browser: SecretBox<[u8; 32]>,
    form: SecretBox<[u8; 32]>,
    invitation: SecretBox<[u8; 32]>,
    halfway: SecretBox<[u8; 32]>,
    recovery: SecretBox<[u8; 32]>,
    sealing: SecretBox<[u8; 32]>,
}

/// The master keys of a deployment: the first makes, all are accepted, so that a key can be replaced without a stop.
pub struct Seal(Vec<Keys>);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal([redacted])")
    }
}

/// A sealed text that no master key opens: it was altered, or made under a key that is not configured any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealed secret cannot be opened: it was altered, or its master key is not configured")]
pub struct Broken;

fn mac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of every length.
    Hmac::<Sha256>::new_from_slice(key).map_or([0; 32], |mut mac| {
        for part in parts {
            // The length before each part: ("ab", "c") and ("a", "bc") must differ.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    })
}

impl Seal {
    /// From one or, during a rotation, two master keys of 32 bytes.
    #[must_use]
    pub fn new(masters: &[SecretBox<[u8; 32]>]) -> Self {
        let derive =
            |master: &SecretBox<[u8; 32]>, purpose: &str| SecretBox::new(Box::new(mac(master.expose_secret(), &[purpose.as_bytes()])));
        let keys = |master| Keys {
            api_key: derive(master, "payin api key v1"),
            address: derive(master, "payin address v1"),
            client: derive(master, "payin client v1"),
            xpub: derive(master, "payin xpub v1"),
            transfer: derive(master, "payin transfer v1"),
            session: derive(master, "payin session v1"),
            refresh: derive(master, "payin refresh v1"),
            browser: derive(master, "payin browser session v1"),
            form: derive(master, "payin form v1"),
            invitation: derive(master, "payin invitation v1"),
            halfway: derive(master, "payin halfway v1"),
            recovery: derive(master, "payin recovery code v1"),
            sealing: derive(master, "payin sealing v1"),
        };
        Self(masters.iter().map(keys).collect())
    }

    /// What is stored of an API key, under each master key; the first is for new keys.
    #[must_use]
    pub fn api_key_macs(&self, key: &str) -> Vec<String> {
        self.0.iter().map(|keys| hex(&mac(keys.api_key.expose_secret(), &[key.as_bytes()]))).collect()
    }

    /// The signature of an access token under each master key, as HS256 makes it (RFC 7518, 3.2); the first is for new tokens.
    #[must_use]
    pub fn session_macs(&self, signed: &[u8]) -> Vec<[u8; 32]> {
        let hs256 = |keys: &Keys| Hmac::<Sha256>::new_from_slice(keys.session.expose_secret()).ok().map(|mac| mac.chain_update(signed));
        self.0.iter().filter_map(hs256).map(|mac| mac.finalize().into_bytes().into()).collect()
    }

    /// Whether a signature of an access token is one of these, compared without telling by time how much of it is right.
    #[must_use]
    pub fn session_is_genuine(&self, signed: &[u8], signature: &[u8]) -> bool {
        let hs256 = |keys: &Keys| Hmac::<Sha256>::new_from_slice(keys.session.expose_secret()).ok().map(|mac| mac.chain_update(signed));
        self.0.iter().filter_map(hs256).any(|mac| mac.verify_slice(signature).is_ok())
    }

    /// What is stored of a refresh token, under each master key; the first is for new ones.
    #[must_use]
    pub fn refresh_macs(&self, token: &str) -> Vec<String> {
        self.0.iter().map(|keys| hex(&mac(keys.refresh.expose_secret(), &[token.as_bytes()]))).collect()
    }

    /// What is stored of what a browser's session bears, under each master key; the first is for new ones.
    #[must_use]
    pub fn browser_macs(&self, token: &str) -> Vec<String> {
        self.0.iter().map(|keys| hex(&mac(keys.browser.expose_secret(), &[token.as_bytes()]))).collect()
    }

    /// What the forms of a browser's session bear, under each master key; the first is for new forms.
    #[must_use]
    pub fn form_macs(&self, token: &str) -> Vec<String> {
        self.0.iter().map(|keys| hex(&mac(keys.form.expose_secret(), &[token.as_bytes()]))).collect()
    }

    /// What is stored of an invitation, under each master key; the first is for new ones.
    #[must_use]
    pub fn invitation_macs(&self, token: &str) -> Vec<String> {
        self.0.iter().map(|keys| hex(&mac(keys.invitation.expose_secret(), &[token.as_bytes()]))).collect()
    }

    /// What says that somebody has shown their password at a time, under each master key; the first is for new ones.
    #[must_use]
    pub fn halfway_macs(&self, user: &str, at: &str) -> Vec<String> {
        let parts = [user.as_bytes(), at.as_bytes()];
        self.0.iter().map(|keys| hex(&mac(keys.halfway.expose_secret(), &parts))).collect()
    }

    /// What is stored of a person's recovery code, under each master key; the first is for new ones.
    #[must_use]
    pub fn recovery_macs(&self, user: &str, code: &str) -> Vec<String> {
        let parts = [user.as_bytes(), code.as_bytes()];
        self.0.iter().map(|keys| hex(&mac(keys.recovery.expose_secret(), &parts))).collect()
    }

    /// What binds an address to its organization.
    #[must_use]
    pub fn address_mac(&self, organization: &str, protocol: &str, address: &str) -> String {
        self.bound(|keys| &keys.address, [organization, protocol, address]).next().unwrap_or_default()
    }

    /// Whether an address row is as it was imported.
    #[must_use]
    pub fn address_is_genuine(&self, organization: &str, protocol: &str, address: &str, stored: &str) -> bool {
        self.bound(|keys| &keys.address, [organization, protocol, address]).any(|mac| mac == stored)
    }

    /// What binds an extended public key to its organization.
    #[must_use]
    pub fn xpub_mac(&self, organization: &str, protocol: &str, xpub: &str) -> String {
        self.bound(|keys| &keys.xpub, [organization, protocol, xpub]).next().unwrap_or_default()
    }

    /// Whether the row of an extended public key is as it was imported.
    #[must_use]
    pub fn xpub_is_genuine(&self, organization: &str, protocol: &str, xpub: &str, stored: &str) -> bool {
        self.bound(|keys| &keys.xpub, [organization, protocol, xpub]).any(|mac| mac == stored)
    }

    /// The MACs of what belongs together, under each master key.
    fn bound(&self, key: fn(&Keys) -> &SecretBox<[u8; 32]>, parts: [&str; 3]) -> impl Iterator<Item = String> {
        self.0.iter().map(move |keys| hex(&mac(key(keys).expose_secret(), &parts.map(str::as_bytes))))
    }

    /// 128 bits that a transfer always has, and nobody else can tell.
    #[must_use]
    pub fn transfer_number(&self, chain: &str, tx_hash: &str, ordinal: u64) -> u128 {
        let parts = [chain.as_bytes(), tx_hash.as_bytes(), &ordinal.to_be_bytes()];
        let mac = self.0.first().map(|keys| mac(keys.transfer.expose_secret(), &parts)).unwrap_or_default();
        mac.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// What is stored of a client's network address, to count by: for each organization another, so that nobody can be followed from one to
    /// the next. While a master key is being replaced a client may be counted as two.
    #[must_use]
    pub fn client_mac(&self, organization: &str, client: &str) -> String {
        let parts = [organization.as_bytes(), client.as_bytes()];
        self.0.first().map(|keys| hex(&mac(keys.client.expose_secret(), &parts))).unwrap_or_default()
    }

    /// Seals a text for the place it is kept at; moved elsewhere it does not open.
    #[must_use]
    pub fn seal(&self, place: &str, text: &str, nonce: [u8; 24]) -> String {
        let sealed = self.0.first().and_then(|keys| {
            let cipher = XChaCha20Poly1305::new(keys.sealing.expose_secret().into());
            cipher.encrypt(&XNonce::from(nonce), Payload { msg: text.as_bytes(), aad: place.as_bytes() }).ok()
        });
        BASE64.encode([nonce.as_slice(), &sealed.unwrap_or_default()].concat())
    }

    /// Opens a sealed text.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn open(&self, place: &str, sealed: &str) -> Result<String, Broken> {
        let bytes = BASE64.decode(sealed).map_err(|_| Broken)?;
        let (nonce, text) = bytes.split_first_chunk::<24>().ok_or(Broken)?;
        let opened = self.0.iter().find_map(|keys| {
            let cipher = XChaCha20Poly1305::new(keys.sealing.expose_secret().into());
            cipher.decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: place.as_bytes() }).ok()
        });
        opened.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Broken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn master(byte: u8) -> SecretBox<[u8; 32]> {
        SecretBox::new(Box::new([byte; 32]))
    }

    #[test]
    fn what_is_sealed_opens_at_its_place_alone() {
        let seal = Seal::new(&[master(1)]);
        let sealed = seal.seal("endpoint we_1", "whsec_secret", [7; 24]);
        assert!(!sealed.contains("whsec"));
        assert_eq!(seal.open("endpoint we_1", &sealed), Ok("whsec_secret".to_owned()));
        assert_eq!(seal.open("endpoint we_2", &sealed), Err(Broken));
        assert_eq!(Seal::new(&[master(2)]).open("endpoint we_1", &sealed), Err(Broken));
        assert_eq!(seal.open("endpoint we_1", "AAAA"), Err(Broken));
    }

    #[test]
    fn a_rotation_accepts_the_old_key_and_makes_with_the_new() {
        let (old, both) = (Seal::new(&[master(1)]), Seal::new(&[master(2), master(1)]));
        assert_eq!(both.open("p", &old.seal("p", "text", [0; 24])), Ok("text".to_owned()));
        assert!(both.address_is_genuine("org", "evm", "0x1", &old.address_mac("org", "evm", "0x1")));
        assert!(both.xpub_is_genuine("org", "evm", "xpub1", &old.xpub_mac("org", "evm", "xpub1")));
        assert!(!both.xpub_is_genuine("org", "evm", "0x1", &old.address_mac("org", "evm", "0x1")), "each for its purpose");
        assert!(both.api_key_macs("pk_test_x").contains(&old.api_key_macs("pk_test_x")[0]));
        assert_ne!(both.api_key_macs("pk_test_x")[0], old.api_key_macs("pk_test_x")[0]);
    }

    #[test]
    fn an_address_of_another_organization_is_not_genuine() {
        let seal = Seal::new(&[master(1)]);
        let mac = seal.address_mac("org_a", "evm", "0x1");
        assert!(seal.address_is_genuine("org_a", "evm", "0x1", &mac));
        for (organization, protocol, address) in
            [("org_b", "evm", "0x1"), ("org_a", "tron", "0x1"), ("org_a", "evm", "0x2"), ("org_ae", "vm", "0x1")]
        {
            assert!(!seal.address_is_genuine(organization, protocol, address, &mac));
        }
    }
}
