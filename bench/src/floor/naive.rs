//! The naive floor: every request is a transaction of its own and pays for its own commit.

use super::place::{one_postgres, one_sqlite};
use super::{NewOrder, Pool, Refusal};

pub async fn place(pool: &Pool, order: &NewOrder) -> Result<String, Refusal> {
    match pool {
        Pool::Sqlite(pool) => {
            let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
            let body = one_sqlite(&mut transaction, order).await?;
            transaction.commit().await?;
            Ok(body)
        }
        Pool::Postgres(pool) => {
            let mut transaction = pool.begin().await?;
            let body = one_postgres(&mut transaction, order).await?;
            transaction.commit().await?;
            Ok(body)
        }
    }
}
