//! A payment's whole way, with nothing simulated: `payin orders create`, an ERC-20 transfer on a real EVM node, `payin-server serve`
//! with a real database between, `payin orders wait`, the merchant's webhook. And what may go wrong on that way.

mod cryptopay;
mod expiry;
mod full_disk;
mod mending;
mod payments;
mod reorganisations;
mod restarts;
mod solana;
mod tron;
mod world;

/// Each journey on each database.
macro_rules! on_both {
    ($($journey:ident: $file:ident;)*) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $journey() { super::$file::$journey(payin_tests::merchant::Engine::Sqlite).await })*
        }
        mod on_postgres {
            $(#[tokio::test] async fn $journey() { super::$file::$journey(payin_tests::merchant::Engine::Postgres).await })*
        }
    };
}

on_both! {
    payments_complete_orders: payments;
    a_cryptopay_order_on_base_is_confirmed: cryptopay;
    reorganisations_lose_and_double_nothing: reorganisations;
    what_is_left_unpaid_expires: expiry;
    a_killed_server_goes_on: restarts;
    a_server_that_is_killed_while_it_migrates_goes_on: restarts;
    differences_are_found: mending;
    a_chain_that_took_back_final_blocks_goes_on: mending;
    solana_payments_complete_when_finalized: solana;
    tron_payments_complete_when_solidified: tron;
}
