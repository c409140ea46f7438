//! API keys made and revoked by API keys: by whom, for whom, and from when they are taken no more.

use std::time::Duration;

use futures_util::future::join_all;
use payin_server::app::{access, keys, maintenance};
use payin_server::store::Failure;
use payin_tests::gateway::{Gateway, Kind, refusal};
use payin_types::organization::ListPaging;
use payin_types::{ApiKey, CreateApiKey, ErrorCode, Role, Timestamp};

use super::World;

/// A key as its secret shows it.
async fn key(gateway: &Gateway, secret: &str) -> std::sync::Arc<access::Key> {
    access::authenticate(&gateway.app, secret).await.expect("a key that is taken")
}

async fn make(gateway: &Gateway, by: &access::Key, change: impl FnOnce(&mut CreateApiKey)) -> Result<ApiKey, Failure> {
    let mut request = CreateApiKey::new("of a test");
    change(&mut request);
    gateway.write(keys::Create::new(&gateway.app, by, by.organization_id.as_str().to_owned(), Ok(request))).await
}

async fn listed(gateway: &Gateway, by: &access::Key) -> Vec<ApiKey> {
    let page = keys::list(&gateway.app, &by.organization_id, by.organization_id.as_str(), &ListPaging::default()).await.unwrap();
    assert_eq!(page.pagination.total, page.data.len() as u64);
    page.data
}

async fn code(gateway: &Gateway, secret: &str) -> Option<ErrorCode> {
    match access::authenticate(&gateway.app, secret).await {
        Ok(_) => None,
        refused => Some(refusal(refused.map(drop)).code),
    }
}

pub async fn keys_are_made_listed_and_revoked(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, secret) = gateway.organization("One").await;
    let owner = key(gateway, &secret).await;
    gateway.clock.advance(Duration::from_secs(1));
    let ends = gateway.now().plus(Duration::from_secs(60));
    let made = make(gateway, &owner, |request| request.expires_at = Some(ends)).await.unwrap();
    let new = made.api_key.clone().expect("the secret, once");
    assert!(new.starts_with(&made.key_prefix) && access::is_well_formed(&new));
    assert_eq!(
        (made.role.clone(), made.is_active, made.expires_at, &made.organization_id),
        (Role::Member, true, Some(ends), &organization)
    );
    assert_eq!(key(gateway, &new).await.role, Role::Member);
    // Newest first, and without secrets.
    let all = listed(gateway, &owner).await;
    assert_eq!(all.iter().map(|key| &key.id).collect::<Vec<_>>(), [&made.id, &owner.id]);
    assert!(all.iter().all(|key| key.api_key.is_none() && key.last_used_at.is_none()));
    assert_eq!(all[0], ApiKey { api_key: None, ..made.clone() });
    let page = ListPaging { page: Some(2), limit: Some(1) };
    let second = keys::list(&gateway.app, &organization, organization.as_str(), &page).await.unwrap();
    assert_eq!((second.data[0].id.clone(), second.pagination.total_pages), (owner.id.clone(), 2));
    let own = keys::organizations(&gateway.app, &owner, &ListPaging::default()).await.unwrap();
    assert_eq!((own.data[0].id.clone(), own.data[0].name.as_str(), own.data[0].role.clone()), (organization.clone(), "One", Role::Owner));
    assert_eq!(keys::organizations(&gateway.app, &owner, &page).await.unwrap().data.len(), 0);
    // It ends at its time, also where it was seen a moment ago.
    gateway.clock.advance(Duration::from_millis(59_999));
    key(gateway, &new).await;
    gateway.clock.advance(Duration::from_millis(1));
    assert_eq!(code(gateway, &new).await, Some(ErrorCode::InvalidApiKey));
    assert!(!listed(gateway, &owner).await[0].is_active);
    // Another organization is not there, whether it is or not.
    let (other, _) = gateway.organization("Two").await;
    for foreign in [other.as_str(), "org_none", "a\u{0}b"] {
        let list = keys::list(&gateway.app, &organization, foreign, &ListPaging::default()).await;
        assert_eq!(refusal(list).code, ErrorCode::ResourceNotFound);
        let create = keys::Create::new(&gateway.app, &owner, foreign.to_owned(), Ok(CreateApiKey::new("x")));
        assert_eq!(refusal(gateway.write(create).await).code, ErrorCode::ResourceNotFound);
    }
    assert_eq!(keys::all(&gateway.app).await.unwrap().len(), 3);
}

pub async fn a_key_makes_no_stronger_one(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (_, secret) = gateway.organization("One").await;
    let owner = key(gateway, &secret).await;
    let admin = make(gateway, &owner, |request| request.role = Some(Role::Admin)).await.unwrap();
    let admin_key = key(gateway, admin.api_key.as_deref().unwrap()).await;
    for (role, allowed) in [(Role::Owner, false), (Role::Admin, true), (Role::Member, true), (Role::Viewer, true)] {
        let made = make(gateway, &admin_key, |request| request.role = Some(role.clone())).await;
        if allowed {
            assert_eq!(made.unwrap().role, role);
        } else {
            assert_eq!(refusal(made).code, ErrorCode::InsufficientPermissions);
        }
    }
    let revoked = keys::revoke(&gateway.app, Some(&admin_key), owner.id.as_str().to_owned()).await;
    assert_eq!(refusal(revoked).code, ErrorCode::InsufficientPermissions);
    key(gateway, &secret).await;
    keys::revoke(&gateway.app, Some(&owner), admin.id.as_str().to_owned()).await.unwrap();
    // Bad requests change nothing.
    let before = listed(gateway, &owner).await.len();
    let now = gateway.now();
    for (what, change) in [
        ("name", Box::new(|request: &mut CreateApiKey| request.name = String::new()) as Box<dyn FnOnce(&mut CreateApiKey)>),
        ("name", Box::new(|request| request.name = " x".to_owned())),
        ("name", Box::new(|request| request.name = "a\u{7}".to_owned())),
        ("name", Box::new(|request| request.name = "й".repeat(101))),
        ("role", Box::new(|request| request.role = Some(Role::from("superadmin")))),
        ("expiresAt", Box::new(move |request| request.expires_at = Some(now))),
        ("expiresAt", Box::new(|request| request.expires_at = Some(Timestamp::from_secs(0)))),
    ] {
        let refused = refusal(make(gateway, &owner, change).await);
        assert_eq!((refused.code, refused.message.starts_with(what)), (ErrorCode::ValidationError, true), "{}", refused.message);
    }
    assert_eq!(listed(gateway, &owner).await.len(), before);
    assert_eq!(make(gateway, &owner, |request| request.name = "й".repeat(100)).await.unwrap().name.chars().count(), 100);
}

/// Whoever was let in with a key may still be sending when it ends.
pub async fn an_ended_key_makes_none(kind: Kind) {
    let world = World::new(kind).await;
    for server in world.servers().await {
        let gateway = &world.gateway;
        let (_, secret) = gateway.organization("One").await;
        let owner = key(gateway, &secret).await;
        let revoked = make(gateway, &owner, |request| request.role = Some(Role::Owner)).await.unwrap();
        let ends = gateway.now().plus(Duration::from_secs(60));
        let short = make(gateway, &owner, |request| (request.role, request.expires_at) = (Some(Role::Owner), Some(ends))).await.unwrap();
        let let_in = [key(&server, &revoked.api_key.unwrap()).await, key(&server, &short.api_key.unwrap()).await];
        for by in &let_in {
            make(&server, by, |_| {}).await.unwrap();
        }
        keys::revoke(&gateway.app, Some(&owner), revoked.id.as_str().to_owned()).await.unwrap();
        for one in [gateway, &server] {
            one.clock.advance_to(ends);
        }
        let before = listed(gateway, &owner).await;
        for by in &let_in {
            assert_eq!(refusal(make(&server, by, |_| {}).await).code, ErrorCode::InvalidApiKey);
            // Not even a bad wish is answered otherwise.
            assert_eq!(refusal(make(&server, by, |request| request.name = String::new()).await).code, ErrorCode::InvalidApiKey);
        }
        assert_eq!(listed(gateway, &owner).await, before);
    }
}

pub async fn one_revokes_a_key(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let gateway = &world.gateway;
    let (_, secret) = gateway.organization("One").await;
    let (_, foreign) = gateway.organization("Two").await;
    let (owner, foreign) = (key(gateway, &secret).await, key(gateway, &foreign).await);
    let made = make(gateway, &owner, |_| {}).await.unwrap();
    let (id, new) = (made.id.as_str(), made.api_key.unwrap());
    for server in &servers {
        key(server, &new).await;
    }
    let unknown = |id: &str| format!("API key '{id}' does not exist");
    assert_eq!(refusal(keys::revoke(&gateway.app, Some(&foreign), id.to_owned()).await).message, unknown(id));
    assert_eq!(refusal(keys::revoke(&gateway.app, Some(&owner), "key_none".to_owned()).await).message, unknown("key_none"));
    let rivals = join_all((0..8).map(|at| keys::revoke(&servers[at % servers.len()].app, Some(&owner), id.to_owned()))).await;
    let (done, refused): (Vec<_>, Vec<_>) = rivals.into_iter().partition(Result::is_ok);
    assert_eq!(done.len(), 1);
    assert!(refused.into_iter().all(|result| refusal(result).message == unknown(id)));
    // Every server that took part knows it at once; all within a second of the same clock.
    assert_eq!(listed(gateway, &owner).await.len(), 1);
    keys::revoke(&gateway.app, None, foreign.id.as_str().to_owned()).await.unwrap();
    for server in &servers {
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(code(server, &new).await, Some(ErrorCode::InvalidApiKey));
    }
    // At once where it was revoked, while time stands.
    let made = make(gateway, &owner, |_| {}).await.unwrap();
    let new = made.api_key.unwrap();
    key(gateway, &new).await;
    keys::revoke(&gateway.app, Some(&owner), made.id.as_str().to_owned()).await.unwrap();
    assert_eq!(code(gateway, &new).await, Some(ErrorCode::InvalidApiKey));
}

pub async fn uses_are_written_down(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (_, secret) = gateway.organization("One").await;
    gateway.clock.advance(Duration::from_secs(90));
    let owner = key(gateway, &secret).await;
    let used = async || listed(gateway, &owner).await[0].last_used_at;
    assert_eq!(used().await, None, "noted, not yet written");
    maintenance::write_used(&gateway.app).await.unwrap();
    let minute = payin_tests::gateway::START.plus(Duration::from_secs(60));
    assert_eq!(used().await, Some(minute));
    // A use that another server has written since is not taken back.
    let later = minute.plus(Duration::from_secs(600));
    world.place.execute(&format!("UPDATE api_keys SET last_used_at = {}", later.millis())).await;
    key(gateway, &secret).await;
    maintenance::write_used(&gateway.app).await.unwrap();
    assert_eq!(used().await, Some(later));
    gateway.clock.advance(Duration::from_secs(3600));
    key(gateway, &secret).await;
    maintenance::write_used(&gateway.app).await.unwrap();
    assert_eq!(used().await, Some(minute.plus(Duration::from_secs(3600))));
}
