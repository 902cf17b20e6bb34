/** Owns the other program that locks the database: `node lock-program.ts FILE` holds a write transaction until it is told to let go. */
import BetterSqlite3 from 'better-sqlite3';

const database = new BetterSqlite3(process.argv[2], { timeout: 60_000 });
database.exec('BEGIN IMMEDIATE');
process.send?.('held');
process.once('message', () => {
  database.exec('ROLLBACK');
  database.close();
  process.disconnect();
});
