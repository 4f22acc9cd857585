import { downLab, upLab } from '@sonde/deploy/lab/lab';
import { Command } from 'commander';

/** `sonde lab`: the lab cluster by itself, without anybody watching it. */
export function labCommand(): Command {
  const lab = new Command('lab').description('Build and remove lab clusters made of network namespaces');
  lab
    .command('up')
    .argument('[definition]', 'which lab', 'storefront')
    .description('Build a lab and keep its traffic going until Ctrl-C')
    .action(async (definition: string) => {
      const built = await upLab({
        name: definition,
        definition,
        traffic: true,
        log: (line) => console.error(line),
      });
      for (const { name, netns, podInterfaces } of built.nodes) {
        console.log(`node ${name} is namespace ${netns}`);
        for (const pod of podInterfaces)
          console.log(`  ${pod.namespace}/${pod.pod}  ${pod.interface}  ${pod.addresses.join(' ')}`);
      }
      await new Promise<void>((resolve) => process.once('SIGINT', resolve).once('SIGTERM', resolve));
      await built.down();
    });
  lab
    .command('down')
    .argument('[definition]', 'which lab', 'storefront')
    .description('Remove every trace of a lab, whoever built it')
    .action(async (definition: string) => {
      console.log(
        (await downLab(definition)) ? `The lab ${definition} is removed.` : `There is no lab ${definition}.`,
      );
    });
  return lab;
}
