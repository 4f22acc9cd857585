import { startTestClickHouse } from '../../clickhouse/server.js';

/** A ClickHouse endpoint in a process of its own; sends its URL and exits on request. */
const clickHouse = await startTestClickHouse();
const { url, username, password, database } = clickHouse;
process.send?.({ urls: [url], username, password, database });
process.once('message', () => {
  void clickHouse.close().then(() => process.disconnect());
});
