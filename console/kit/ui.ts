/**
 * The components of Grafana's kit that pages use; nothing else of the kit is imported. All of them are stable and
 * exist in Grafana 12.3 and 13, so that pages look native there and need no second kit in the standalone console.
 */
export {
  Alert,
  Badge,
  Button,
  Checkbox,
  Combobox,
  Drawer,
  EmptyState,
  Field,
  Icon,
  IconButton,
  Input,
  LinkButton,
  LoadingBar,
  RadioButtonGroup,
  Stack,
  Switch,
  Tab,
  TabsBar,
  Text,
  TextArea,
  Toggletip,
  Tooltip,
  useStyles2,
  useTheme2,
} from '@grafana/ui';
