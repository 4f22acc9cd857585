declare module 'cytoscape-fcose' {
  import type { Ext } from 'cytoscape';

  /** The layout `fcose`, to be given to `cytoscape.use`. */
  const extension: Ext;
  export default extension;
}
