//! The order in which events became visible: a reader that remembers where it was misses none, whatever writers do at the same time.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use payin_core::Cursor;
use payin_server::app::event_stream::{Beat, Feed};
use payin_server::app::{access, event_log};
use payin_server::env::SystemClock;
use payin_server::store::Location;
use payin_server::worker::order_events::OrderEvents;
use payin_server::worker::{Did, Worker as _};
use payin_tests::gateway::{Gateway, Kind, refusal, request};
use payin_types::event_log::StreamEvents;
use payin_types::{ErrorCode, EventsAfter, ListEvents, OrganizationId};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::World;
use super::outbox::{endpoint, tell};

/// Events that each writer writes.
const EACH: usize = 25;

fn orderer(gateway: &Gateway) -> OrderEvents {
    OrderEvents::new(gateway.app.clone(), Arc::new(SystemClock), gateway.app.entropy.as_ref())
}

/// Draws positions for all that is there.
pub async fn order(gateway: &Gateway) {
    let mut orderer = orderer(gateway);
    while orderer.step().await.expect("a step") == Did::Work {}
}

async fn after(gateway: &Gateway, organization: &OrganizationId, cursor: &str, limit: u64) -> EventsAfter {
    let query = ListEvents { limit: Some(limit), ..Default::default() };
    event_log::after(&gateway.app, organization, cursor, query).await.expect("what follows")
}

fn ids(page: &EventsAfter) -> Vec<&str> {
    page.data.iter().map(|record| record.id.as_str()).collect()
}

/// Whoever orders events must not share a bell with the lanes, of which there are hundreds: a ring wakes one.
pub async fn each_commit_of_events_rings_for_who_orders_them(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    let to = endpoint(gateway, &organization, "[\"*\"]").await;
    let (sends, orders) = (gateway.app.store.outbox(), gateway.app.store.events());
    // Nobody is told of the first by webhook.
    for to in [&[][..], std::slice::from_ref(&to)] {
        let (mut sending, mut ordering) = (Box::pin(sends.notified()), Box::pin(orders.notified()));
        assert!(!sending.as_mut().enable() && !ordering.as_mut().enable());
        tell(gateway, &organization, 3, to).await;
        ordering.await;
        assert_eq!(sending.as_mut().enable(), !to.is_empty());
    }
    // A commit of anything else wakes nobody.
    order(gateway).await;
    assert!(!Box::pin(orders.notified()).as_mut().enable());
}

/// A writer of another program: its transaction is open for as long as it likes.
struct Stranger(PgConnection);

impl Stranger {
    async fn connect(location: &Location) -> Option<Self> {
        let Location::Postgres(url) = location else { return None };
        Some(Self(PgConnection::connect(&url.0).await.expect("the database")))
    }

    async fn say(&mut self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut self.0).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    async fn write(&mut self, organization: &OrganizationId, id: &str) {
        self.say("BEGIN").await;
        self.say(&format!(
            "INSERT INTO events (id, organization_id, type, object_id, sequence, body, created_at) VALUES ('{id}', '{organization}', \
             'order.completed', 'of {id}', 1, '{{\"id\":\"{id}\",\"type\":\"order.completed\",\"created_at\":\"2026-01-01T00:00:00Z\",\"data\":{{}}}}', 5)"
        ))
        .await;
    }
}

/// On PostgreSQL an event is written first, read last, and not missed. SQLite has one writer, so that what begins first commits first.
pub async fn what_commits_late_is_read_all_the_same(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let organization = gateway.merchant(0).await;
    order(gateway).await;
    let mut stranger = Stranger::connect(&world.place.location).await;
    if let Some(stranger) = &mut stranger {
        stranger.write(&organization, "evt_late").await;
    }
    let early = tell(gateway, &organization, 2, &[]).await;
    order(gateway).await;
    let first = after(gateway, &organization, "beginning", 100).await;
    assert_eq!(ids(&first).into_iter().collect::<BTreeSet<_>>(), early.iter().map(|id| id.as_str()).collect());
    assert!(!first.has_more);
    let Some(stranger) = &mut stranger else { return };
    stranger.say("COMMIT").await;
    assert!(after(gateway, &organization, &first.next_cursor, 100).await.data.is_empty(), "committed, and not yet in the order");
    order(gateway).await;
    assert_eq!(ids(&after(gateway, &organization, &first.next_cursor, 100).await), ["evt_late"]);
}

/// Writers, servers that draw positions and a reader, all at once.
pub async fn readers_miss_nothing_among_contending_writers(kind: Kind) {
    let world = World::new(kind).await;
    let servers = world.servers().await;
    let organization = world.gateway.merchant(0).await;
    order(&world.gateway).await;
    let written = AtomicBool::new(false);
    let ours = async |gateway: &Gateway| {
        for _ in 0..EACH {
            tell(gateway, &organization, 2, &[]).await;
        }
    };
    let strangers = async |name: usize| {
        let Some(mut stranger) = Stranger::connect(&world.place.location).await else { return 0 };
        for number in 0..EACH {
            stranger.write(&organization, &format!("evt_{name}_{number}")).await;
            // Some are open for long, so that others that began later commit before.
            for _ in 0..(number * 7 + name * 3) % 11 {
                stranger.say("SELECT 1").await;
            }
            stranger.say("COMMIT").await;
        }
        EACH
    };
    let writing = async {
        let gateways = servers.iter().flat_map(|server| [server, server, server]);
        let (_, foreign) = tokio::join!(join_all(gateways.map(ours)), join_all((0..4).map(strangers)));
        written.store(true, Ordering::SeqCst);
        servers.len() * 3 * EACH * 2 + foreign.into_iter().sum::<usize>()
    };
    let ordering = join_all(servers.iter().map(async |server| {
        let mut orderer = orderer(server);
        let mut behind = 0;
        // A last look begins after the last commit.
        while behind < 2 {
            behind += usize::from(written.load(Ordering::SeqCst));
            while orderer.step().await.expect("a step") == Did::Work {}
            tokio::task::yield_now().await;
        }
    }));
    let ordered = AtomicBool::new(false);
    let drawing = async {
        ordering.await;
        // The one that found the other at work left it to the other.
        order(&world.gateway).await;
        ordered.store(true, Ordering::SeqCst);
    };
    let reading = async {
        let (mut cursor, mut seen) = ("beginning".to_owned(), Vec::new());
        loop {
            let last = ordered.load(Ordering::SeqCst);
            let server = &servers[seen.len() % servers.len()];
            let page = after(server, &organization, &cursor, 7).await;
            seen.extend(page.data.iter().map(|record| record.id.as_str().to_owned()));
            cursor = page.next_cursor;
            if last && !page.has_more {
                return seen;
            }
        }
    };
    let (total, (), seen) = tokio::join!(writing, drawing, reading);
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (total, total), "each once");
    let positions = world.place.rows("SELECT COUNT(*), MIN(position), MAX(position), COUNT(DISTINCT position) FROM events").await;
    let total = total.to_string();
    assert_eq!(positions, [[total.as_str(), "1", &total, &total]], "no position is missing, none is there twice");
}

/// A feed that is behind by more than a page catches up; one that filters goes on behind what it does not want.
pub async fn a_feed_brings_what_is_there_and_what_comes(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, secret) = gateway.organization("Merchant").await;
    order(gateway).await;
    let key = access::authenticate(&gateway.app, &secret).await.expect("the key");
    let app = Arc::new(gateway.app.clone());
    let told = tell(gateway, &organization, 70, &[]).await;
    order(gateway).await;
    let open = async |query: StreamEvents, last: Option<&str>| Feed::open(&app, &key, &query, last).await.expect("a feed");
    let events = async |feed: &mut Feed| match feed.next().await {
        Beat::Events(events) => events,
        other => panic!("{other:?}"),
    };
    let beginning = StreamEvents { since: Some("beginning".to_owned()), ..Default::default() };
    let mut feed = open(beginning.clone(), None).await;
    let mut pages: Vec<Vec<_>> = Vec::new();
    while pages.concat().len() < told.len() {
        pages.push(events(&mut feed).await);
    }
    let all = pages.concat();
    assert!(pages.iter().all(|page| page.len() <= 32), "page by page");
    assert_eq!(all.iter().map(|event| event.id.clone()).collect::<BTreeSet<_>>(), told.iter().cloned().collect());
    // Where it was cut: the reader's own header goes before the address that it asks at again.
    let cut = all[40].cursor.to_string();
    let mut again = open(beginning, Some(&cut)).await;
    assert_eq!(events(&mut again).await[0].id, all[41].id);
    // One at the end waits; what comes, comes to both. Of another type there was nothing.
    let mut now = open(StreamEvents::default(), None).await;
    let other = StreamEvents { types: Some("order.expired".to_owned()), after: Some(cut), ..Default::default() };
    let mut filtered = open(other, None).await;
    let waiting = async { tokio::join!(events(&mut now), events(&mut feed)) };
    let coming = async {
        let id = tell(gateway, &organization, 1, &[]).await.remove(0);
        order(gateway).await;
        id
    };
    let ((to_now, to_feed), id) = tokio::join!(waiting, coming);
    assert_eq!((&to_now[0].id, &to_feed[0].id), (&id, &id));
    let Beat::Alive(at) = filtered.next().await else { panic!("nothing of that type has happened") };
    assert_eq!(at, to_now[0].cursor, "passed over once and for all");
    // A time as the beginning; a revoked key; a server that stops.
    gateway.clock.advance(Duration::from_secs(60));
    let since = gateway.now().to_string();
    let late = tell(gateway, &organization, 1, &[]).await.remove(0);
    order(gateway).await;
    let mut later = open(StreamEvents { since: Some(since), ..Default::default() }, None).await;
    assert_eq!(events(&mut later).await[0].id, late);
    world.place.execute("UPDATE api_keys SET revoked_at = 1").await;
    assert_eq!(later.next().await, Beat::Ended("the key is no longer taken"));
    world.place.execute("UPDATE api_keys SET revoked_at = NULL").await;
    app.streams.stop();
    assert_eq!(now.next().await, Beat::Ended("the server is stopping"));
    assert_eq!(refusal(Feed::open(&app, &key, &StreamEvents::default(), None).await).code, ErrorCode::ServiceUnavailable);
}

pub async fn a_cursor_of_elsewhere_is_refused(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, secret) = gateway.organization("Merchant").await;
    let query = ListEvents::default;
    let none_yet = refusal(event_log::after(&gateway.app, &organization, "beginning", query()).await);
    assert_eq!((none_yet.code, none_yet.retry_after_s), (ErrorCode::ServiceUnavailable, Some(1)));
    tell(gateway, &organization, 3, &[]).await;
    order(gateway).await;
    let here: Cursor = after(gateway, &organization, "beginning", 100).await.next_cursor.parse().expect("a cursor");
    let refused = async |cursor: String| refusal(event_log::after(&gateway.app, &organization, &cursor, query()).await).code;
    let beyond = Cursor { position: here.position + 1, ..here }.to_string();
    assert_eq!(refused(beyond.clone()).await, ErrorCode::CursorUnknown);
    assert_eq!(refused(Cursor { epoch: here.epoch ^ 1, ..here }.to_string()).await, ErrorCode::CursorUnknown);
    assert_eq!(refused("3".to_owned()).await, ErrorCode::ValidationError);
    for (query, field) in [
        (ListEvents { page: Some(1), ..query() }, "page"),
        (ListEvents { endpoint_id: Some("we_1".into()), ..query() }, "endpointId"),
        (ListEvents { status: Some("pending".into()), ..query() }, "status"),
        (ListEvents { limit: Some(0), ..query() }, "limit"),
        (ListEvents { event_type: Some("order.paid".into()), ..query() }, "type"),
    ] {
        let refused = refusal(event_log::after(&gateway.app, &organization, "beginning", query).await);
        assert!(refused.message.starts_with(&format!("{field}: ")), "{}", refused.message);
    }
    let (app, key) = (Arc::new(gateway.app.clone()), access::authenticate(&gateway.app, &secret).await.expect("the key"));
    let stream = |after: Option<&str>, since: Option<&str>, types: Option<&str>| StreamEvents {
        after: after.map(str::to_owned),
        since: since.map(str::to_owned),
        types: types.map(str::to_owned),
    };
    for (query, last, code) in [
        (stream(None, None, None), Some(beyond.as_str()), ErrorCode::CursorUnknown),
        (stream(Some(&beyond), None, None), None, ErrorCode::CursorUnknown),
        (stream(Some("beginning"), None, None), None, ErrorCode::ValidationError),
        (stream(Some(&here.to_string()), Some("beginning"), None), None, ErrorCode::ValidationError),
        (stream(None, Some("yesterday"), None), None, ErrorCode::ValidationError),
        (stream(None, None, Some("order.completed,order.paid")), None, ErrorCode::ValidationError),
        (stream(None, None, Some("")), None, ErrorCode::ValidationError),
    ] {
        assert_eq!(refusal(Feed::open(&app, &key, &query, last).await).code, code, "{query:?}");
    }
    // A key has so many at once, and each gives its place back.
    let open = async || Feed::open(&app, &key, &StreamEvents::default(), None).await;
    let mut feeds = Vec::new();
    let too_many = loop {
        match open().await {
            Ok(feed) => feeds.push(feed),
            Err(failure) => break refusal::<()>(Err(failure)),
        }
    };
    assert_eq!((feeds.len(), too_many.code, too_many.retry_after_s), (20, ErrorCode::RateLimitExceeded, Some(5)));
    feeds.pop();
    feeds.push(open().await.expect("a place that was given back"));
}

/// An event beyond the documents' exists where a stream asked for it, and some days longer.
pub async fn unusual_events_are_recorded_where_listened_for(kind: Kind) {
    let world = World::new(kind).await;
    let gateway = &world.gateway;
    let (organization, secret) = gateway.organization("Merchant").await;
    gateway.import(&organization, &gateway.addresses(9)).await.expect("addresses");
    order(gateway).await;
    let (app, key) = (Arc::new(gateway.app.clone()), access::authenticate(&gateway.app, &secret).await.expect("the key"));
    let recorded = async |reference: &str| {
        gateway.create(&organization, request(reference)).await.expect("an order");
        world.place.value("SELECT COUNT(*) FROM events WHERE type = 'order.created'").await
    };
    assert_eq!(recorded("R-1").await, "0");
    let query = StreamEvents { types: Some("order.created,order.completed".to_owned()), ..Default::default() };
    let mut feed = Feed::open(&app, &key, &query, None).await.expect("a feed");
    assert_eq!(recorded("R-2").await, "1");
    order(gateway).await;
    let Beat::Events(events) = feed.next().await else { panic!("the order was created") };
    assert_eq!(events[0].event_type.as_str(), "order.created");
    drop(feed);
    let cursor = events[0].cursor.to_string();
    assert_eq!(recorded("R-3").await, "2", "the laptop sleeps");
    order(gateway).await;
    let mut feed = Feed::open(&app, &key, &query, Some(&cursor)).await.expect("it wakes up in time");
    let Beat::Events(events) = feed.next().await else { panic!("an order was created while it slept") };
    assert_eq!(events.len(), 1);
    drop(feed);
    gateway.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
    world.place.execute("UPDATE chain_cursors SET head_time = head_time + 2592000000").await;
    assert_eq!(recorded("R-4").await, "2", "nobody came back");
    // What happened meanwhile was not recorded: who goes on behind an old place is told, each time, until the reader chooses where to begin.
    for _ in 0..2 {
        let refused = refusal(Feed::open(&app, &key, &query, Some(&cursor)).await);
        assert!(refused.code == ErrorCode::CursorUnknown && refused.message.contains("'order.created'"), "{}", refused.message);
    }
    assert_eq!(recorded("R-5").await, "2", "who was refused is not listened for");
    drop(Feed::open(&app, &key, &query, None).await.expect("from now on"));
    assert_eq!(recorded("R-6").await, "3");
    let refused = refusal(Feed::open(&app, &key, &query, Some(&cursor)).await);
    assert_eq!(refused.code, ErrorCode::CursorUnknown, "also while others listen");
    let usual = StreamEvents { types: Some("order.completed".to_owned()), ..Default::default() };
    Feed::open(&app, &key, &usual, Some(&cursor)).await.expect("what is always recorded is all there");
}
