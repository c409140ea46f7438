//! What a sandbox stands on when it begins: simulated chains, an organization with an owner's key, a filled pool.

use std::time::Duration;

use payin_core::account::folded;
use payin_core::address::Address;
use payin_core::event::Who;
use payin_core::{Chain, Token, chains};
use payin_types::id::base62;
use payin_types::{Environment, ExposeSecret as _, ImportAddresses, OrganizationId, Protocol, Role, SecretString, Timestamp, UserId};

use crate::app::accounts::Passwords;
use crate::app::{App, access, keys, pool};
use crate::env::Entropy;
use crate::store::accounts::User;
use crate::store::{self, accounts};

/// Free addresses in a new sandbox.
const POOL: usize = 256;

/// The families that are simulated: those that this server can follow.
const FAMILIES: &[Protocol] =
    if cfg!(feature = "solana") { &[Protocol::Evm, Protocol::Tron, Protocol::Solana] } else { &[Protocol::Evm, Protocol::Tron] };

/// The chains of the testnet environment that are simulated; USDT on polygon-amoy exists in the sandbox only.
pub(super) fn sandbox_chains() -> Vec<Chain> {
    let simulated = |chain: &Chain| chain.environment == Environment::Testnet && FAMILIES.contains(&chain.protocol);
    let mut chains: Vec<Chain> = chains::known().into_iter().filter(simulated).collect();
    for chain in chains.iter_mut().filter(|chain| chain.protocol == Protocol::Evm) {
        for currency in ["USDT", "USDC"] {
            if chain.token(&currency.into()).is_none() {
                let byte = if currency == "USDT" { 0x07 } else { 0x0c };
                let contract = Address::from_evm_bytes(&[byte; 20]);
                chain.tokens.push(Token {
                    currency: currency.into(),
                    contract,
                    decimals: if chain.id.as_str().starts_with("bsc") { 18 } else { 6 },
                });
            }
        }
    }
    chains
}

/// Makes the sandbox usable: an organization with an owner's key and a filled pool. Answers the key and the organization.
pub(super) async fn seed(app: &App, api_key: Option<SecretString>) -> anyhow::Result<(String, OrganizationId)> {
    let secret = api_key.unwrap_or_else(|| access::make_key(app)).expose_secret().to_owned();
    let organization = match access::authenticate(app, &secret).await {
        Ok(key) => key.organization_id.clone(),
        Err(_) => app.store.write(access::CreateKey::new(app, &secret, Role::Owner, "sandbox", Some("Sandbox".to_owned()))).await?.0,
    };
    for protocol in FAMILIES {
        let free = pool::status(app, &organization).await?.get(protocol).map_or(0, |counts| counts.available);
        if free == 0 {
            let addresses = std::iter::repeat_with(|| address(protocol, app.entropy.as_ref())).flatten().take(POOL);
            let addresses = addresses.map(|address| address.as_str().to_owned()).collect::<Vec<_>>().join("\n");
            let request = ImportAddresses::new(protocol.clone(), addresses);
            app.store.write(pool::Import::new(app, organization.clone(), Who::Operator, Ok(request))).await?;
        }
    }
    Ok((secret, organization))
}

/// What the other roles' keys are called, before the role.
const NAMED: &str = "sandbox ";

/// A key for each role but the owner's, which there is already. Those of an earlier sandbox with this database are revoked: nobody has kept
/// their secrets. Answers them with their roles.
pub(super) async fn seed_roles(app: &App, organization: &OrganizationId) -> anyhow::Result<Vec<(Role, String)>> {
    let former = store::access::all_keys(&mut app.store.read().await?).await?;
    let is_ours = |one: &store::access::Listed| one.key.organization_id == *organization && one.name.starts_with(NAMED);
    for one in former.into_iter().filter(is_ours) {
        keys::revoke(app, None, one.key.id.as_str().to_owned()).await?;
    }
    let mut made = Vec::new();
    for role in [Role::Admin, Role::Member, Role::Viewer] {
        let (name, owned_by) = (format!("{NAMED}{role}"), Some(organization.as_str().to_owned()));
        loop {
            let secret = access::make_key(app).expose_secret().to_owned();
            let mut create = access::CreateKey::new(app, &secret, role.clone(), &name, owned_by.clone());
            // The owner's is the oldest, also on a clock that stands: other APIs know an organization by its oldest key.
            create.now = create.now.plus(Duration::from_millis(1));
            // A sandbox of the same seed has made this one before, and it was revoked.
            if store::access::key_by_mac(&mut app.store.read().await?, &create.mac).await?.is_none() {
                app.store.write(create).await?;
                made.push((role, secret));
                break;
            }
        }
    }
    Ok(made)
}

/// As whom the owner signs in.
pub(super) const OWNER: &str = "owner@sandbox.example";

/// Somebody who owns the sandbox's organization and signs in by hand. Answers their password: another one at each start.
pub(super) async fn seed_owner(app: &App, organization: OrganizationId) -> anyhow::Result<String> {
    let password = SecretString::from(base62(app.random_id(), 22));
    let password_hash = Passwords::hash_of_random(&password, app.entropy.array())?;
    let id = UserId::from_random(app.random_id());
    let (name, email) = ("Owner".to_owned(), OWNER.to_owned());
    let user = User { id, name, email, password_hash, sessions_from: Timestamp::default(), disabled_at: None };
    app.store.write(SeedOwner { user, organization, now: app.clock.now() }).await?;
    Ok(password.expose_secret().to_owned())
}

struct SeedOwner {
    user: User,
    organization: OrganizationId,
    now: Timestamp,
}

impl store::Unit for SeedOwner {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut store::Tx<'_>) -> crate::app::Outcome<()> {
        let Self { user, organization, now } = self;
        // Of a database that an earlier sandbox has left.
        if let Some(before) = accounts::by_login(tx, &folded(OWNER)).await? {
            return Ok(accounts::set_password(tx, &before, &user.password_hash, *now).await?);
        }
        accounts::insert(tx, user, (&folded(&user.email), &folded(&user.name)), *now).await?;
        Ok(accounts::join(tx, &user.id, organization, &Role::Owner, *now).await?)
    }
}

/// Anybody's address. On Solana about every second number is one that somebody could have the key of.
fn address(protocol: &Protocol, entropy: &dyn Entropy) -> Option<Address> {
    match protocol {
        Protocol::Solana => {
            let any = Address::from_solana_bytes(&entropy.array());
            Address::parse(protocol, any.as_str()).ok()
        }
        _ => Address::from_account_bytes(protocol, &entropy.array()),
    }
}

/// The simulated chains begin anew: where they stood before means nothing.
pub(super) struct ForgetChains;

impl store::Unit for ForgetChains {
    type Output = ();

    async fn run<'a>(&'a self, tx: &'a mut store::Tx<'_>) -> crate::app::Outcome<()> {
        store::chains::forget_all(tx).await?;
        // A sandbox is the sole server of its database, also of one that was killed.
        Ok(store::leases::end_all(tx).await?)
    }
}
