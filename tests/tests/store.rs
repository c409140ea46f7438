//! The store on both engines, through the use cases that write to it: contending writers, guarded transitions, leases, the outbox.
//! Every scenario runs on SQLite and on PostgreSQL, each on a database of its own, without HTTP, workers or a real clock.
//!
//! A scenario is run once in a process, by whoever asks first: its own test, or the test that every statement was executed on both
//! engines, which therefore does not depend on the order of tests.

mod accounts;
mod browsers;
mod checkout;
mod coverage;
mod creating;
mod deposits;
mod dialects;
mod dust;
mod event_log;
mod explain;
mod failing;
mod files;
mod followed;
mod hooks;
mod issuers;
mod jumps;
mod keys;
mod late;
mod ledger;
mod line;
mod links;
mod listing;
mod merchants;
mod moments;
mod other_names;
mod outbox;
mod plans;
mod pool;
mod positions;
mod quota;
mod recycling;
mod reorganisation;
mod replay;
mod restored;
mod scans;
mod second_factors;
mod sending;
mod settings;
mod stock;
mod succession;
mod tenancy;
mod totals;
mod turns;
mod work;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use payin_server::store::db::Recorder;
use payin_tests::gateway::{Gateway, Kind, Place};

/// Longer than any scenario takes on a busy machine: what is still running then waits for something that never comes.
const SCENARIO_MAX: Duration = Duration::from_secs(120);

/// Every statement executed by a scenario of this process, by engine.
static EXECUTED: LazyLock<[Recorder; 2]> = LazyLock::new(Default::default);

fn executed(kind: Kind) -> Recorder {
    EXECUTED[kind as usize].clone()
}

/// A fresh database and a gateway on it, whose chains are followed.
struct World {
    gateway: Gateway,
    place: Place,
}

impl World {
    async fn new(kind: Kind) -> Self {
        let place = Place::new(kind).await;
        let gateway = Gateway::open(&place.location, 1, Some(executed(kind))).await;
        gateway.follow_all().await;
        Self { gateway, place }
    }

    /// Another server on the same database. Only PostgreSQL may have one.
    async fn second_server(&self) -> Gateway {
        assert_eq!(self.place.kind(), Kind::Postgres);
        Gateway::open(&self.place.location, 2, Some(executed(Kind::Postgres))).await
    }

    /// The servers that may share this database: one, or two.
    async fn servers(&self) -> Vec<Gateway> {
        let mut servers = vec![self.gateway.clone()];
        if self.place.kind() == Kind::Postgres {
            servers.push(self.second_server().await);
        }
        servers
    }
}

/// Runs a scenario to its end; answers why it failed.
fn outcome(scenario: impl Future<Output = ()>) -> Result<(), String> {
    let text = |panic: Box<dyn Any + Send>| match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (None, text) => text.copied().unwrap_or("without a word").to_owned(),
    };
    catch_unwind(AssertUnwindSafe(|| run(scenario))).map_err(text)
}

fn run(scenario: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(SCENARIO_MAX, scenario).await }).expect("the scenario ends in time");
}

macro_rules! scenarios {
    ($($module:ident: $($name:ident),+;)+) => {
        mod sqlite {
            $($( #[test] fn $name() { assert_eq!(super::once::$name(super::Kind::Sqlite), &Ok(())); } )+)+
        }
        mod postgres {
            $($( #[test] fn $name() { assert_eq!(super::once::$name(super::Kind::Postgres), &Ok(())); } )+)+
        }
        mod once {
            use super::{Kind, OnceLock};
            $($(
                pub fn $name(kind: Kind) -> &'static Result<(), String> {
                    static DONE: [OnceLock<Result<(), String>>; 2] = [OnceLock::new(), OnceLock::new()];
                    DONE[kind as usize].get_or_init(|| super::outcome(super::$module::$name(kind)))
                }
            )+)+
        }
        const SCENARIOS: &[fn(Kind) -> &'static Result<(), String>] = &[$($(once::$name),+),+];
    };
}

scenarios! {
    creating: orders_never_share_an_address, a_reference_is_taken_once, an_altered_address_is_given_to_nobody,
        what_one_unit_cannot_do_harms_no_other, a_unit_that_panics_leaves_nothing_half_done, amounts_survive_with_every_digit,
        a_closed_store_has_finished_its_work,
        no_order_where_nobody_looks, orders_of_two_chains_are_opened_together;
    replay: one_key_makes_one_order, another_body_under_a_key_is_refused, a_key_lives_a_day, what_may_pass_is_not_kept,
        a_caller_that_left_finds_its_answer, a_refusal_is_kept, secrets_are_kept_sealed;
    ledger: an_order_has_one_end, an_order_completes_once, payments_add_up, a_transfer_is_one_row, a_cursor_elsewhere_changes_nothing,
        orders_expire_by_chain_time, expiring_and_settling_agree, money_for_nobody_is_kept_apart, late_money_is_told;
    reorganisation: a_payment_taken_back_unconfirmed, a_payment_taken_back_after_completion, what_is_final_is_not_taken_back,
        enough_that_stays_is_enough, enough_within_the_tolerance_is_enough, a_late_payment_may_come_back_in_time, what_comes_back_may_be_something_else;
    late: late_money_that_was_never_confirmed_is_not_told, late_money_taken_back_after_it_was_told_is_told_again, late_parts_are_late_together;
    accounts: what_somebody_calls_theirs_is_not_taken_for_the_operators, people_register_once_and_sign_in, a_session_is_prolonged_by_each_token_once, whoever_is_shut_out_has_nothing_left;
    browsers: a_new_server_is_set_up_once, a_browser_is_signed_in_for_a_while, a_new_password_ends_what_the_old_one_began,
        members_are_let_in_and_go, an_invitation_is_taken_back_by_whoever_may_make_it,
        an_invitation_is_used_or_taken_back_and_never_both, a_person_looks_at_their_organizations_and_makes_keys_there, who_guesses_is_stopped;
    second_factors: a_second_factor_is_set_up_asked_for_and_turned_off, of_several_who_show_one_code_one_comes_in,
        recovery_codes_stand_in_for_a_phone_once, an_operator_takes_a_lost_second_factor_away, codes_are_guessed_no_more_than_passwords;
    dialects: the_same_wish_is_the_same_order, orders_are_found_through_their_own_api, what_a_list_says_is_what_the_rule_says,
        a_new_secret_takes_over_when_it_was_said_to,
        what_a_chain_takes_back_is_told_whatever_was_answered;
    other_names: orders_are_numbered_without_gaps, a_wallet_is_what_was_added_by_itself, endpoints_of_another_api_hear_of_it_alone;
    merchants: a_key_that_ends_is_replaced_by_one_that_ends, a_closed_merchant_has_no_key_left, an_operator_makes_people, a_token_is_ended_by_itself, a_name_is_one_merchants, what_was_told_is_begun_anew_once,
        what_merchants_come_to_is_exact;
    explain: what_came_on_any_chain_is_explained, a_payment_that_is_gone_is_explained;
    dust: dust_is_recorded_and_not_told, many_small_parts_are_a_payment, somebody_elses_busy_address_fills_nothing;
    recycling: addresses_come_back_in_chain_time, addresses_wait_for_the_slowest_chain, the_longest_released_comes_first,
        late_money_keeps_an_address_back, only_what_is_over_lets_go;
    restored: what_was_handed_out_since_a_backup_is_nobody_elses;
    succession: what_a_payer_lost_is_not_the_next_orders, what_an_order_lost_is_not_the_next_orders, a_stray_stays_a_stray;
    work: one_holder_has_a_lease, a_lease_changes_hands, a_fenced_server_changes_nothing,
        a_lease_is_kept_while_work_takes_long, a_clock_that_is_ahead_doubles_nothing;
    issuers: nothing_is_taken_in_a_stopped_token, a_frozen_address_is_not_handed_out_again;
    outbox: an_organization_has_so_many_endpoints_and_no_more, events_go_to_those_who_asked, retries_follow_the_table, a_void_claim_changes_nothing, gone_is_gone,
        a_deleted_endpoint_gets_nothing, a_delivery_is_claimed_once;
    turns: a_shop_whose_orders_bring_dead_endpoints_delays_nobody_else, those_that_hang_delay_nobody_else, those_that_turn_bad_together_delay_nobody_else,
        an_organization_whose_receivers_turn_bad_delays_no_other, many_organizations_whose_receivers_hang_leave_places_for_others,
        another_is_found_behind_thousands_of_hosts, a_burst_starves_nobody, many_bursts_starve_nobody;
    sending: what_a_dead_server_claimed_is_sent_again, a_sole_server_takes_back_what_was_claimed_before_it,
        servers_share_deliveries_and_overlap_in_none, nothing_is_sent_after_a_deletion, a_backlog_is_called_off_piece_by_piece, what_arrives_verifies_and_is_logged,
        old_attempts_are_forgotten;
    jumps: a_jump_passes_over_nothing, no_ring_is_missed_while_the_clock_stands;
    failing: an_orders_own_endpoint_is_not_disabled, days_of_failures_disable_an_endpoint, one_good_answer_in_days_is_enough, old_failures_do_not_disable_what_works_again,
        one_received_among_others_ends_the_failures_before_it, a_new_url_begins_anew, one_that_is_gone_is_told_of_to_the_others,
        a_retry_after_is_heard, a_range_is_sent_again, a_range_is_sent_piece_by_piece, bad_ranges_are_refused;
    hooks: endpoints_change_in_part, bad_changes_change_nothing, a_rotated_secret_is_good_beside_the_new_one,
        a_test_is_for_its_endpoint_alone, what_falls_due_while_disabled_is_given_up, others_endpoints_and_events_do_not_exist;
    event_log: the_log_is_what_a_naive_model_says, deliveries_show_their_attempts, a_resent_event_starts_over,
        a_resend_beside_an_attempt_is_neither_lost_nor_doubled, resends_and_claims_may_meet;
    positions: what_commits_late_is_read_all_the_same, each_commit_of_events_rings_for_who_orders_them, readers_miss_nothing_among_contending_writers,
        a_feed_brings_what_is_there_and_what_comes, a_cursor_of_elsewhere_is_refused, unusual_events_are_recorded_where_listened_for;
    pool: imports_are_all_or_nothing, an_address_belongs_to_one, watchers_miss_no_import, addresses_are_listed_by_state;
    deposits: a_reference_is_bound_once_on_a_chain, everything_that_arrives_is_credited, a_deposit_taken_back_is_told_and_comes_again,
        what_is_let_go_is_credited_no_more, a_deposit_address_rests_before_it_is_an_orders, an_altered_deposit_address_is_not_shown,
        references_are_found_and_paged, lists_of_transfers_filter_and_sort;
    stock: keys_fill_a_pool, a_pool_with_a_key_does_not_run_dry, a_low_pool_is_told_once, an_import_is_told_with_who_did_it, an_owner_says_when_a_pool_is_low,
        addresses_are_put_away_and_taken_back, a_key_is_put_away_with_its_addresses, an_altered_address_stops_nobody_else;
    tenancy: organizations_see_their_own, keys_open_their_organization, a_database_knows_its_master_key, a_database_knows_its_environment;
    settings: settings_hold_for_new_orders, settings_of_two_at_once_are_both_kept, addresses_rest_as_long_as_their_organization_says;
    keys: keys_are_made_listed_and_revoked, a_key_makes_no_stronger_one, an_ended_key_makes_none, one_revokes_a_key, uses_are_written_down;
    quota: all_servers_together_keep_the_limit, limits_are_each_keys_own, what_is_left_goes_back, a_lease_is_for_its_second,
        what_a_role_forbids_is_not_counted;
    listing: lists_are_what_a_naive_model_says, pages_join_up, odd_texts_are_found_or_not_but_never_a_fault;
    links: a_link_is_published_changed_and_deleted, a_slug_is_one_links, links_are_listed_as_asked;
    checkout: inventory_is_never_oversold, what_ends_is_sold_or_free_again, a_crowd_cannot_drain_a_pool, payers_see_what_is_theirs_to_see;
    scans: a_hole_is_filled_beside_the_newest_blocks, what_was_looked_at_follows_reorganisations, what_lies_in_a_hole_is_not_the_next_orders, chain_and_database_are_compared,
        large_transfers_wait_until_more_is_known, what_fills_a_hole_leads_to_both_its_ends, another_chains_finality_is_not_ours,
        a_hole_may_be_declared_lost, what_is_taken_back_is_not_lost, filling_and_declaring_lost_may_meet;
    followed: how_chains_are_followed_is_told, a_halted_chain_goes_on, a_chain_goes_on_below_a_hole;
    moments: what_falls_due_next_is_known;
    plans: a_backlog_is_walked_by_its_index, a_page_is_found_by_index, endpoints_of_other_apis_are_found_by_index;
    totals: totals_are_what_counting_says, totals_survive_contention, statistics_are_exact;
    files: a_newer_schema_is_refused, migrations_may_run_side_by_side, looking_whether_it_can_be_written_changes_nothing;
}
