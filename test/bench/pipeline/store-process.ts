import { startTestClickHouse } from '../../clickhouse/server.js';

/** A ClickHouse in a process of its own: sends how to reach it, and ends when told to. */
const clickHouse = await startTestClickHouse();
const { url, username, password, database } = clickHouse;
process.send?.({ urls: [url], username, password, database });
process.once('message', () => {
  void clickHouse.close().then(() => process.disconnect());
});
